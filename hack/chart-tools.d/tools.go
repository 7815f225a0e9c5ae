//go:build tools

// Package tools lists what the chart is checked and tested with: its go.mod and go.sum pin every module by its content.
package tools

import (
	_ "github.com/yannh/kubeconform/cmd/kubeconform"
	_ "helm.sh/helm/v3/cmd/helm"
)
