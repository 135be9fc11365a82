// The operators' page in a real Chromium, by the keyboard. Each line on standard input is one step; each is answered by one
// line: what was found, or why it was not.
const readline = require("node:readline");
const { chromium } = require("playwright-core");

const PATIENCE = 10_000;

const steps = {
  async visit(page, { url }) {
    const answer = await page.goto(url);
    return { status: answer.status() };
  },
  /** Until the text of an element matches; the text. */
  async until(page, { selector, pattern }) {
    const element = page.locator(selector).filter({ hasText: new RegExp(pattern) }).first();
    await element.waitFor({ timeout: PATIENCE });
    return { text: await element.innerText() };
  },
  async texts(page, { selector }) {
    return { texts: await page.locator(selector).allInnerTexts() };
  },
  /** Tab until this element has the focus: what cannot be reached so cannot be used without a mouse. */
  async tab(page, { to }) {
    for (let at = 0; at < 60; at += 1) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), to)) return { presses: at + 1 };
    }
    throw new Error(`${to} is not reached by the keyboard`);
  },
  async press(page, { key }) {
    await page.keyboard.press(key);
    return {};
  },
  async paste(page, { text }) {
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.insertText(text);
    return {};
  },
  async shoot(page, { path, width, height, scheme }) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: scheme });
    await page.screenshot({ path });
    return { overflow: await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth) };
  },
};

async function main() {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
  try {
    const page = await browser.newPage();
    const complaints = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    for await (const line of readline.createInterface({ input: process.stdin })) {
      const { step, ...options } = JSON.parse(line);
      const said = step === "complaints" ? { complaints } : await steps[step](page, options).catch((error) => ({ failed: String(error) }));
      process.stdout.write(JSON.stringify(said) + "\n");
    }
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
