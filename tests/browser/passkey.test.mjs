import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { follow, keptUrls, launch, screenshot, visitor, whereItsFormLeads } from './browser.mjs';
import { Example, runToEnd, send } from './example.mjs';

const COOKIE = 'passkeyme_token';
const NOBODY = 'http://127.0.0.1:9/api/auth/verify-token';

let browser;
let example;
before(async () => {
  [browser, example] = await Promise.all([launch(), Example.start('passkey')]);
});
after(async () => {
  await browser.close();
  await example.stop();
});

describe('a passkey', () => {
  test('signs in, and leaves the token in a cookie only', async (t) => {
    const page = await visitor(t, browser);
    await page.goto(example.origin);
    await screenshot(page, 'passkey-home');
    await follow(page, '#sign-in');
    await screenshot(page, 'passkey-at_passkeyme');

    await follow(page, 'text=Sign in with a passkey');

    assert.equal(page.url(), `${example.origin}/me`);
    assert.equal(await page.textContent('#email'), 'ada@example.com');
    assert.match(await page.textContent('#left'), /^\d+ min \d+ s$/);
    await screenshot(page, 'passkey-me');
    assert.equal(await page.evaluate(() => document.cookie), '', 'no script sees the cookie');
    const cookies = await page.context().cookies();
    assert.deepEqual(
      cookies.map(({ name, httpOnly, secure, sameSite }) => ({ name, httpOnly, secure, sameSite })),
      [{ name: COOKIE, httpOnly: true, secure: true, sameSite: 'Lax' }],
      'the state is taken back',
    );
    for (const url of await keptUrls(page)) assert.doesNotMatch(url, /token=|eyJ/);

    const inScript = await page.evaluate(async () => (await fetch('/api/me')).json());
    assert.equal(inScript.email, 'ada@example.com');
    await page.goto(example.origin);
    assert.match(await page.textContent('main'), /You are signed in as Ada Lovelace/);
    await screenshot(page, 'passkey-home_signed_in');
  });

  test('is asked for again after signing out', async (t) => {
    const page = await signedIn(t);
    await follow(page, 'button:text("Sign out")');
    assert.match(await page.textContent('main'), /You are not signed in/);
    assert.deepEqual(await page.context().cookies(), []);
    const response = await page.goto(`${example.origin}/me`);
    await refused(page, response, 401, 'token_missing', 'Please sign in');
    await screenshot(page, 'passkey-please_sign_in');
  });

  test('that is not given is no error of anybody', async (t) => {
    const page = await visitor(t, browser);
    await page.goto(`${example.origin}/sign-in`);
    const response = await follow(page, 'text=Cancel');
    await refused(page, response, 401, 'sign_in_denied', 'You were not signed in');
    await screenshot(page, 'passkey-cancelled');
    await follow(page, '#sign-in');
    await follow(page, 'text=Sign in with a passkey');
    assert.equal(await page.textContent('#email'), 'ada@example.com', 'and then it is given');
  });

  test('of another browser signs nobody in here', async (t) => {
    const page = await visitor(t, browser);
    await page.goto(`${example.origin}/sign-in`);
    const link = await whereItsFormLeads(page);
    assert.match(link, /\/signed-in\?token=eyJ/);

    const victim = await visitor(t, browser);
    for (const url of [link, link.replace(/&state=.*/, ''), link.replace('/signed-in', '/me')]) {
      const response = await victim.goto(url);
      assert.equal(response.status(), 403);
      assert.equal(await victim.textContent('h1'), 'This is not your sign-in');
      assert.deepEqual(await victim.context().cookies(), []);
    }
    await screenshot(victim, 'passkey-not_yours');
  });
});

describe('while PasskeyMe gives no answer', () => {
  test('nobody is signed in, and the page says that it will pass', async (t) => {
    const settings = { ...example.settingsOfAnother(), PASSKEYME_VERIFY_URL: NOBODY };
    const cut = await Example.start('passkey', settings);
    t.after(() => cut.stop());
    const page = await visitor(t, browser);
    await page.goto(`${cut.origin}/sign-in`);
    const response = await follow(page, 'text=Sign in with a passkey');
    await refused(page, response, 503, 'verifier_unavailable', 'You cannot be signed in right now');
    assert.match((await response.allHeaders())['retry-after'], /^\d+$/);
    await screenshot(page, 'passkey-unavailable');
    const cookies = await page.context().cookies();
    assert.deepEqual(cookies.filter(({ name }) => name === COOKIE), []);
    await page.goto(cut.origin);
    assert.match(await page.textContent('main'), /You are not signed in/);
  });
});

test('scripts get the words that PasskeyMe\'s clients know', async (t) => {
  const none = await send('GET', `${example.origin}/api/me`);
  assert.equal(none.status, 401);
  assert.match(none.headers['content-type'], /^application\/problem\+json/);
  assert.deepEqual([none.body.code, none.body.error], ['token_missing', 'No token provided']);

  const page = await signedIn(t);
  const [{ value }] = await page.context().cookies();
  const bearer = await send('GET', `${example.origin}/api/me`, { authorization: `Bearer ${value}` });
  assert.equal(bearer.status, 200);
  const altered = await send('GET', `${example.origin}/api/me`, { authorization: `Bearer ${value.slice(0, -4)}AAAA` });
  assert.equal(altered.status, 401);
  assert.equal(altered.body.error, 'Invalid token');
});

test('settings that cannot work are said in one sentence', async () => {
  for (const [settings, sentence] of [
    [{ PASSKEYME_VERIFY_URL: NOBODY }, /^PASSKEYME_APP_ID is not set: .*\.\n$/],
    [{ PASSKEYME_AUTH_URL: 'https://x.example/auth', PASSKEYME_APP_ID: '' }, /^PASSKEYME_APP_ID is not set: .*\.\n$/],
    [{ PASSKEYME_APP_ID: 'x', PASSKEYME_VERIFY_URL: 'http://x.example' }, /^PASSKEYME_VERIFY_URL .*\n$/],
  ]) {
    const { code, stderr } = await runToEnd('passkey', settings);
    assert.equal(code, 2, stderr);
    assert.match(stderr, sentence);
  }
});

async function signedIn(t) {
  const page = await visitor(t, browser);
  await page.goto(`${example.origin}/sign-in`);
  await follow(page, 'text=Sign in with a passkey');
  assert.equal(await page.textContent('#email'), 'ada@example.com');
  return page;
}

async function refused(page, response, status, code, title) {
  assert.equal(response.status(), status);
  assert.equal(await page.textContent('h1'), title);
  assert.equal(await page.textContent('.code'), `Code: ${code}`);
}
