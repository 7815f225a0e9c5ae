// Publish one order with amqplib, confirmed and mandatory.
// Usage: MR_BROKER=amqp://user:password@host:5672/vhost MR_ROUTE=orders/minimal node publish.js ORDER_ID MERCHANT
const amqp = require("amqplib");

const door = "mr." + process.env.MR_ROUTE.replace("/", ".");

async function publish(orderId, merchant, order) {
  const connection = await amqp.connect(process.env.MR_BROKER, { timeout: 10_000 });
  let patience;
  try {
    await new Promise((resolve, reject) => {
      patience = setTimeout(() => reject(new Error("no confirm within 10 s")), 10_000);
      connection.on("error", reject);
      connection.createConfirmChannel().then((channel) => {
        channel.on("error", reject); // 404: the route is not there
        channel.on("return", () => reject(new Error("no queue took it"))); // it is confirmed all the same
        const body = Buffer.from(JSON.stringify([[], { order }, {}]));
        const options = {
          mandatory: true,
          persistent: true,
          correlationId: orderId,
          contentType: "application/json",
          contentEncoding: "utf-8",
          headers: { task: "merchantroute.order", id: orderId, "mr-published-at": Date.now() },
        };
        channel.publish(door, merchant, body, options, (refused) => (refused ? reject(refused) : resolve()));
      }, reject);
    });
  } finally {
    clearTimeout(patience);
    connection.close().catch(() => {}); // not awaited: a silent broker would never answer
  }
}

const [orderId, merchant] = process.argv.slice(2);
const order = { id: orderId, items: [{ name: "Ramen", quantity: 1, unit_price: 1250 }], total: 1250 };
publish(orderId, merchant, order).catch((error) => {
  console.error(String(error)); // keep the order, and publish it again with the same id
  process.exitCode = 1;
});
