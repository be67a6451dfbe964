// One server of a pinus: its master, the connector or the area behind it, as the arguments say,
// which are those that pinus itself starts its servers with. Says "ready 127.0.0.1:PORT", where
// PORT is that for clients.
//
//   NODE_ENV=production PINUS=FOLDER BASE=FOLDER node main.cjs startId=master
//
// PINUS is where npm has installed it, BASE holds config/ and app/.

const { createRequire } = require("node:module");

const load = createRequire(`${process.env.PINUS}/`);
// It wants that to be there before it is.
load("reflect-metadata");
const { pinus } = load("pinus");

const app = pinus.createApp({ base: process.env.BASE });
app.configure("production", "connector", () =>
  app.set("connectorConfig", {
    connector: pinus.connectors.hybridconnector,
    distinctHost: true,
    setNoDelay: true,
  }));
app.start((error) => {
  if (error) throw error;
  console.log(`ready 127.0.0.1:${app.getCurServer().clientPort}`);
});
