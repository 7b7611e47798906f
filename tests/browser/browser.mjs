// Chromium, and what the tests ask of it.

import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { send } from './example.mjs';

const SHOTS = fileURLToPath(new URL('../../target/browser/', import.meta.url));

/** Starts Chromium; each of its contexts is a browser of its own, with no cookies. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
    ],
  });
}

/** A page of a browser that was never here, and is closed with the test. */
export async function visitor(t, browser) {
  const context = await browser.newContext({ viewport: { width: 800, height: 700 } });
  context.setDefaultTimeout(15_000);
  t.after(() => context.close());
  return context.newPage();
}

export async function screenshot(page, name) {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: `${SHOTS}${name}.png`, fullPage: true });
}

/** Clicks what leads to another page, and waits for that one: its response. */
export async function follow(page, selector) {
  const arrived = page.waitForEvent('load');
  const [response] = await Promise.all([lastDocument(page, arrived), page.click(selector)]);
  return response;
}

async function lastDocument(page, arrived) {
  let last;
  const note = (response) => {
    if (response.request().isNavigationRequest() && response.frame() === page.mainFrame()) last = response;
  };
  page.on('response', note);
  await arrived;
  page.off('response', note);
  return last;
}

/** Where the form of `page` would lead, sent by somebody else: the browser stays where it is. */
export async function whereItsFormLeads(page) {
  const { action, fields } = await page.evaluate(() => {
    const [form] = document.forms;
    return { action: form.action, fields: Array.from(new FormData(form)) };
  });
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  const { headers } = await send('POST', action, type, new URLSearchParams(fields).toString());
  return headers.location;
}

/** Every URL that the browser keeps of `page`: its history, its timings, where it came from. */
export async function keptUrls(page) {
  const session = await page.context().newCDPSession(page);
  const { entries } = await session.send('Page.getNavigationHistory');
  const inPage = await page.evaluate(() => [
    location.href, document.referrer, ...performance.getEntries().map((entry) => entry.name),
  ]);
  return [...entries.map((entry) => entry.url), ...inPage];
}

/** A site of somebody else's that serves `html`, at 127.0.0.1 and at localhost: `{ sameSite, crossSite }`, as 127.0.0.1 sees them. */
export async function otherSite(t, html) {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(html);
  }).listen(0);
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address();
  return { sameSite: `http://127.0.0.1:${port}/`, crossSite: `http://localhost:${port}/` };
}
