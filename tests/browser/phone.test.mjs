import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { follow, launch, screenshot, visitor, whereItsFormLeads } from './browser.mjs';
import { Example, runToEnd, send } from './example.mjs';

const NUMBER = '+14155550123';

let browser;
let example;
before(async () => {
  [browser, example] = await Promise.all([launch(), Example.start('phone')]);
});
after(async () => {
  await browser.close();
  await example.stop();
});

describe('by redirect', () => {
  test('a number is told, and no cookie is left', async (t) => {
    const page = await atPhonelink(t, '#redirect');
    assert.equal((await page.context().cookies())[0].name, '__Host-nonce');
    await screenshot(page, 'phone-at_phonelink');
    const response = await follow(page, 'text=Verify my number');

    assert.equal(response.status(), 200);
    assert.equal(await page.textContent('#phone'), NUMBER);
    await screenshot(page, 'phone-verified');
    assert.deepEqual(await page.context().cookies(), []);
    const headers = await response.allHeaders();
    assert.match(headers['cache-control'], /no-store/);
    assert.equal(headers['referrer-policy'], 'no-referrer');

    await page.click('text=Once more');
    await page.waitForURL(`${example.origin}/`);
    assert.equal(await page.evaluate(() => document.referrer), '');
  });

  test('a result counts once: neither a reload nor the cookie of before gives it again', async (t) => {
    const page = await atPhonelink(t, '#redirect');
    const cookies = await page.context().cookies();
    await follow(page, 'text=Verify my number');

    await refused(page, await page.reload(), 400, 'nonce_missing', 'This result does not count here');
    await screenshot(page, 'phone-reloaded');
    await page.context().addCookies(cookies);
    await refused(page, await page.reload(), 401, 'token_replayed', 'This result was used already');
    await screenshot(page, 'phone-used');
  });

  test('a result that is carried to another browser is worth nothing there, and is not used up', async (t) => {
    const page = await atPhonelink(t, '#redirect');
    const stolen = await whereItsFormLeads(page);
    assert.match(stolen, /\/callback\?token=eyJ/);

    const thief = await visitor(t, browser);
    await refused(thief, await thief.goto(stolen), 400, 'nonce_missing', 'This result does not count here');
    await follow(thief, 'text=Start again');
    await thief.click('#redirect');
    await thief.waitForSelector('text=Cancel');
    await refused(thief, await thief.goto(stolen), 401, 'nonce_mismatch', 'This result does not count here');

    await page.goto(stolen);
    assert.equal(await page.textContent('#phone'), NUMBER, 'its own browser');
  });

  test('who cancels is told so', async (t) => {
    const page = await atPhonelink(t, '#redirect');
    const response = await follow(page, 'text=Cancel');
    await refused(page, response, 401, 'sign_in_denied', 'Your phone was not verified');
    await screenshot(page, 'phone-cancelled');
  });
});

describe('as the web SDK does', () => {
  test('a number is told, and neither cookie nor token is left', async (t) => {
    const page = await atPhonelink(t, '#sdk');
    const posted = page.waitForResponse(/\/api\/verify-phone$/);
    await page.click('text=Verify my number');

    const response = await posted;
    assert.equal(response.status(), 200);
    assert.deepEqual(await response.json(), { phone: NUMBER, verified: true });
    await page.waitForSelector(`text=${NUMBER}`);
    await screenshot(page, 'phone-sdk_verified');
    assert.equal(page.url(), `${example.origin}/sdk-callback`);
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    assert.deepEqual(await page.context().cookies(), []);
    const { entries } = await (await page.context().newCDPSession(page)).send('Page.getNavigationHistory');
    for (const { url } of entries) assert.doesNotMatch(url, /token=/);
  });

  test('a posted result counts once, and only with its nonce', async (t) => {
    const page = await atPhonelink(t, '#sdk');
    let body;
    await page.route(/\/api\/verify-phone$/, (route) => {
      body = route.request().postDataJSON();
      return route.abort();
    });
    await page.click('text=Verify my number');
    await page.waitForEvent('requestfailed');
    const post = (proof) => send(
      'POST', `${example.origin}/api/verify-phone`, { 'content-type': 'application/json' }, JSON.stringify(proof),
    );
    for (const [proof, status, code] of [
      [{ ...body, nonce: body.nonce.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) }, 401, 'nonce_mismatch'],
      [{ token: body.token }, 400, 'nonce_missing'],
      [{ nonce: body.nonce }, 401, 'token_missing'],
      [body, 200],
      [body, 401, 'token_replayed'],
    ]) {
      const answer = await post(proof);
      assert.equal(answer.status, status, code);
      assert.equal(answer.body.code, code);
    }
  });

  test('who cancels is told so', async (t) => {
    const page = await atPhonelink(t, '#sdk');
    await follow(page, 'text=Cancel');
    await page.waitForSelector('text=You have cancelled');
    await screenshot(page, 'phone-sdk_cancelled');
  });
});

test('the callback without a result says what it is for', async (t) => {
  const page = await visitor(t, browser);
  const response = await page.goto(`${example.origin}/callback`);
  await refused(page, response, 401, 'token_missing', 'There is nothing here yet');
});

test('settings that cannot work are said in one sentence', async () => {
  for (const [settings, sentence] of [
    [{ PHONELINK_CLIENT_ID: 'x', PHONELINK_ISSUER: 'https://x.example' }, /^Set both PHONELINK_ISSUER and .*\.\n$/],
    [{ PHONELINK_ISSUER: 'https://x.example', PHONELINK_JWKS_URL: 'https://x.example/keys' }, /^PHONELINK_CLIENT_ID is not set: .*\.\n$/],
    [{ PHONELINK_CLIENT_ID: 'x', PHONELINK_ISSUER: 'x', PHONELINK_JWKS_URL: 'http://x.example/keys' }, /^PHONELINK_JWKS_URL .*\n$/],
  ]) {
    const { code, stderr } = await runToEnd('phone', settings);
    assert.equal(code, 2, stderr);
    assert.match(stderr, sentence);
  }
});

/** A browser that was sent to Phonelink by the button `start`. */
async function atPhonelink(t, start) {
  const page = await visitor(t, browser);
  await page.goto(example.origin);
  if (start === '#redirect') await screenshot(page, 'phone-home');
  await page.click(start);
  await page.waitForSelector('text=Verify your phone number');
  return page;
}

async function refused(page, response, status, code, title) {
  assert.equal(response.status(), status);
  assert.equal(await page.textContent('h1'), title);
  assert.equal(await page.textContent('.code'), `Code: ${code}`);
}
