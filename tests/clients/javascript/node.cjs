// Node's ws, driven over pipes. In: a command a line, {do: "visit" | "open" | "send" | "close", id, …}.
// Out: an event a line, {id, event: "open" | "message" | "close" | "error", …}.
const readline = require("node:readline");
const WebSocket = require("ws");

const sockets = new Map();
const tell = (event) => process.stdout.write(JSON.stringify(event) + "\n");

function open({ id, url, protocols }) {
  const socket = new WebSocket(url, protocols);
  sockets.set(id, socket);
  socket.on("open", () => tell({ id, event: "open", protocol: socket.protocol }));
  socket.on("message", (data, binary) => tell({ id, event: "message", text: data.toString(), binary }));
  socket.on("close", (code) => tell({ id, event: "close", code }));
  socket.on("error", (error) => tell({ id, event: "error", text: error.message }));
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const command = JSON.parse(line);
  switch (command.do) {
    case "visit": return; // Only a browser has a page.
    case "open": return open(command);
    case "send": return sockets.get(command.id).send(command.text);
    case "close": return sockets.get(command.id).close(1000);
    default: throw new Error(`unknown command ${command.do}`);
  }
}).on("close", () => process.exit(0));
