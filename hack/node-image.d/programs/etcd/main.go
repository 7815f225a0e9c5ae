// Command etcd is etcd's server under its own name: its package is called server/v3, and Go names programs by that.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
