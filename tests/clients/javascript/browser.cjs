// A page's own WebSocket in a real Chromium, driven over pipes with the same commands and events as node.cjs; "visit"
// loads a page first, because a browser sends that page's origin.
const readline = require("node:readline");
const { chromium } = require("playwright-core");

const tell = (event) => process.stdout.write(JSON.stringify(event) + "\n");

// Runs in the page.
function perform(command) {
  window.sockets ??= new Map();
  const { id } = command;
  switch (command.do) {
    case "open": {
      const socket = new WebSocket(command.url, command.protocols);
      window.sockets.set(id, socket);
      socket.onopen = () => window.tell({ id, event: "open", protocol: socket.protocol });
      socket.onmessage = ({ data }) => window.tell({ id, event: "message", text: String(data), binary: typeof data !== "string" });
      socket.onclose = ({ code }) => window.tell({ id, event: "close", code });
      socket.onerror = () => window.tell({ id, event: "error", text: "the browser does not say" });
      return;
    }
    case "send": return window.sockets.get(id).send(command.text);
    case "post": {
      // As a page's script would: FormData with fetch, and what the browser lets it read.
      const form = new FormData();
      for (const [name, value] of Object.entries(command.fields)) form.append(name, value);
      for (const [name, file] of Object.entries(command.files)) form.append(name, new Blob([file.text]), file.name);
      fetch(command.url, { method: "POST", headers: command.headers, body: form })
        .then(async (answer) => window.tell({ id, event: "answer", status: answer.status, text: await answer.text() }))
        .catch(() => window.tell({ id, event: "error", text: "the browser does not say" }));
      return;
    }
    case "close": return window.sockets.get(id).close(1000);
    default: throw new Error(`unknown command ${command.do}`);
  }
}

async function main() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
  try {
    const page = await browser.newPage();
    await page.exposeFunction("tell", tell);
    for await (const line of readline.createInterface({ input: process.stdin })) {
      const command = JSON.parse(line);
      if (command.do === "visit") await page.goto(command.url);
      else await page.evaluate(perform, command);
    }
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
