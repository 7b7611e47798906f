import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { follow, keptUrls, launch, otherSite, screenshot, visitor } from './browser.mjs';
import { Example, runToEnd, send } from './example.mjs';

const COOKIE = '__Host-jwt';
const ADA = 'ada@example.com';
const EVE = 'eve@example.com';
const SIGN_OUT = 'button:text("Sign out")';

let browser;
let example;
before(async () => {
  [browser, example] = await Promise.all([launch(), Example.start('magic_link')]);
});
after(async () => {
  await browser.close();
  await example.stop();
});

describe('a link', () => {
  test('signs in, and leaves its token nowhere', async (t) => {
    const page = await visitor(t, browser);
    await page.goto(example.origin);
    await screenshot(page, 'magic_link-home');
    await askForLink(page, ADA);
    await screenshot(page, 'magic_link-mail');
    const arrival = page.waitForResponse((response) => response.url().includes('/welcome?jwt='));

    const response = await follow(page, '#link');

    assert.equal(response.status(), 200);
    assert.equal(page.url(), `${example.origin}/welcome`);
    assert.equal(await page.textContent('#email'), ADA);
    await screenshot(page, 'magic_link-welcome');
    assert.equal(await page.evaluate(() => document.cookie), '', 'no script sees the cookie');
    const [cookie] = await sessions(page);
    assert.deepEqual(
      [cookie.httpOnly, cookie.secure, cookie.sameSite, cookie.path, cookie.domain],
      [true, true, 'Lax', '/', '127.0.0.1'],
    );
    const handOff = await (await arrival).allHeaders();
    assert.equal(handOff.location, '/welcome');
    assert.equal(handOff['cache-control'], 'no-store');
    assert.equal(handOff['referrer-policy'], 'no-referrer');

    noTokenIn(await keptUrls(page), 'the page that the link ends on');
    await page.click('text=Home');
    await page.waitForURL(`${example.origin}/`);
    assert.equal(await page.evaluate(() => document.referrer), `${example.origin}/welcome`);
    noTokenIn(await keptUrls(page), 'the page after that');
  });

  test('is still where it was after back, forward and reload', async (t) => {
    const page = await signedIn(t, ADA);
    await page.reload();
    assert.equal(await page.textContent('#email'), ADA, 'reload');
    await page.goBack();
    assert.match(await page.textContent('h1'), /You have mail/, 'back');
    await page.goForward();
    assert.equal(await page.textContent('#email'), ADA, 'forward');
    assert.equal(page.url(), `${example.origin}/welcome`);
    await page.goto(example.origin);
    assert.match(await page.textContent('main'), /You are signed in as ada@example\.com/);
    await screenshot(page, 'magic_link-home_signed_in');
    noTokenIn(await keptUrls(page), 'the history');
  });

  test('signs in from a mail that is read on another site', async (t) => {
    const link = await linkFor(t, ADA);
    const webmail = await otherSite(t, `<a id="link" href="${link}">Sign in</a>`);
    const page = await visitor(t, browser);
    await page.goto(webmail.crossSite);
    await follow(page, '#link');
    assert.equal(page.url(), `${example.origin}/welcome`);
    assert.equal(await page.textContent('#email'), ADA, 'the cookie comes along at once');
    assert.equal(await page.evaluate(() => document.referrer), '', 'the hand-off lets no referrer through');
  });

  test('signs nobody in the second time, whoever has copied its URL', async (t) => {
    const { page, url } = await followedLink(t, ADA);
    const stranger = await visitor(t, browser);

    const response = await stranger.goto(url);

    await refused(stranger, response, 401, 'token_replayed', 'This link was used already');
    await screenshot(stranger, 'magic_link-used');
    assert.equal((await sessions(stranger)).length, 0);
    const again = await page.goto(url);
    await refused(page, again, 401, 'token_replayed', 'This link was used already');
    await page.goto(`${example.origin}/welcome`);
    assert.equal(await page.textContent('#email'), ADA, 'the session that it has begun goes on');

    const script = await send('GET', url);
    assert.equal(script.status, 401);
    assert.match(script.headers['content-type'], /^application\/problem\+json/);
    assert.equal(script.body.code, 'token_replayed');
    assert.match(script.headers['www-authenticate'], /error="invalid_token"/);
  });

  test('of somebody else does not replace a session', async (t) => {
    const page = await signedIn(t, ADA);
    await page.goto(await linkFor(t, EVE));
    assert.equal(await page.textContent('h1'), 'Somebody else is signed in here');
    assert.match(await page.textContent('.code'), /session_conflict/);
    await screenshot(page, 'magic_link-conflict');
    await page.goto(`${example.origin}/welcome`);
    assert.equal(await page.textContent('#email'), ADA);
  });

  test('of somebody else signs in after a sign-out, because it was not used up', async (t) => {
    const page = await signedIn(t, ADA);
    const url = await tokenUrl(await linkFor(t, EVE));
    const conflict = await page.goto(url);
    await refused(page, conflict, 403, 'session_conflict', 'Somebody else is signed in here');
    await follow(page, SIGN_OUT);
    await page.goto(url);
    assert.equal(await page.textContent('#email'), EVE);
  });

  test('that comes too late offers another, which works', async (t) => {
    const page = await visitor(t, browser);
    await page.goto(example.origin);
    await askForLink(page, ADA, 'button[name=late]');

    const response = await follow(page, '#link');

    await refused(page, response, 401, 'link_expired', 'This link is too old');
    await screenshot(page, 'magic_link-too_late');
    assert.equal((await sessions(page)).length, 0);
    await askForLink(page, ADA);
    await follow(page, '#link');
    assert.equal(await page.textContent('#email'), ADA);
  });

  test('is not used up by a frame, a script, a prefetch or HEAD', async (t) => {
    const url = await tokenUrl(await linkFor(t, ADA));
    const page = await visitor(t, browser);
    await page.goto(example.origin);

    const inScript = await page.evaluate(async (link) => {
      const answer = await fetch(link);
      return { status: answer.status, code: (await answer.json()).code };
    }, url);
    assert.deepEqual(inScript, { status: 400, code: 'navigation_required' });

    await page.evaluate((link) => {
      const prefetch = Object.assign(document.createElement('link'), { rel: 'prefetch', href: link });
      document.head.append(prefetch);
    }, url);
    const answered = await page.waitForResponse((response) => response.url() === url);
    assert.equal(answered.status(), 400, 'a prefetch');

    const site = await otherSite(t, `<h1>Look</h1><iframe src="${url}" width="600" height="400"></iframe>`);
    const embedding = await visitor(t, browser);
    const [framed] = await Promise.all([
      embedding.waitForResponse((response) => response.url() === url),
      embedding.goto(site.sameSite),
    ]);
    assert.equal(framed.status(), 400, 'a frame');
    await screenshot(embedding, 'magic_link-in_a_frame');

    assert.equal((await send('HEAD', url)).status, 400, 'HEAD');
    assert.equal((await sessions(page)).length + (await sessions(embedding)).length, 0);

    await page.goto(url);
    assert.equal(await page.textContent('#email'), ADA, 'and then it is followed');
  });
});

describe('a form', () => {
  test('of the page itself changes something', async (t) => {
    const page = await signedIn(t, 'own@example.com');
    await page.fill('[name=nickname]', 'The Countess');
    await follow(page, 'text=Save');
    assert.equal(await page.textContent('h1'), 'Welcome, The Countess');
    await screenshot(page, 'magic_link-renamed');
  });

  const forged = () => `<form method="post" action="${example.origin}/nickname">
    <input name="nickname" value="Mallory"></form><script>document.forms[0].submit()</script>`;

  test('of another site comes without the cookie and changes nothing', async (t) => {
    const page = await signedIn(t, 'cross@example.com');
    const site = await otherSite(t, forged());
    const posted = page.waitForResponse((response) => response.url().endsWith('/nickname'));
    await page.goto(site.crossSite);
    const response = await posted;
    const sent = await response.request().allHeaders();
    assert.equal(sent.cookie, undefined, 'SameSite=Lax');
    await refused(page, response, 401, 'token_missing', 'Please sign in');
    await screenshot(page, 'magic_link-cross_site_form');
    await page.goto(`${example.origin}/welcome`);
    assert.equal(await page.textContent('h1'), 'Welcome, cross@example.com');
  });

  test('of another origin of this site comes with the cookie, is refused, and changes nothing', async (t) => {
    const page = await signedIn(t, 'same@example.com');
    const site = await otherSite(t, forged());
    const posted = page.waitForResponse((response) => response.url().endsWith('/nickname'));
    await page.goto(site.sameSite);
    const response = await posted;
    const sent = await response.request().allHeaders();
    assert.equal(sent['sec-fetch-site'], 'same-site');
    assert.match(sent.cookie, /__Host-jwt=/, 'the browser has sent the cookie');
    await refused(page, response, 403, 'cross_site_request', 'Nothing was changed');
    await screenshot(page, 'magic_link-cross_origin_form');
    await page.goto(`${example.origin}/welcome`);
    assert.equal(await page.textContent('h1'), 'Welcome, same@example.com');
  });

  test('of another origin signs nobody out', async (t) => {
    const page = await signedIn(t, 'stays@example.com');
    const html = `<form method="post" action="${example.origin}/sign-out"></form><script>document.forms[0].submit()</script>`;
    const site = await otherSite(t, html);
    const posted = page.waitForResponse((response) => response.url().endsWith('/sign-out'));
    await page.goto(site.sameSite);
    assert.equal((await posted).status(), 403);
    await page.goto(`${example.origin}/welcome`);
    assert.equal(await page.textContent('#email'), 'stays@example.com');
  });
});

describe('signing out', () => {
  test('takes the cookie back, for the pages in the history too', async (t) => {
    const page = await signedIn(t, ADA);
    await follow(page, SIGN_OUT);
    assert.equal(page.url(), `${example.origin}/`);
    assert.match(await page.textContent('main'), /You are not signed in/);
    await screenshot(page, 'magic_link-signed_out');
    assert.deepEqual(await page.context().cookies(), []);
    await page.goBack();
    assert.equal(await page.textContent('h1'), 'Please sign in', 'back');
    await page.reload();
    assert.equal(await page.textContent('h1'), 'Please sign in', 'reload');
    await screenshot(page, 'magic_link-please_sign_in');
  });

  test('makes a stolen copy of the cookie worthless', async (t) => {
    const page = await signedIn(t, ADA);
    const cookies = await sessions(page);
    const stolen = { cookie: `${COOKIE}=${cookies[0].value}` };
    const before = await send('GET', `${example.origin}/welcome`, stolen);
    assert.equal(before.status, 200, 'a copy is as good as the cookie while the session lasts');
    await follow(page, SIGN_OUT);
    const afterwards = await send('GET', `${example.origin}/welcome`, stolen);
    assert.equal(afterwards.status, 401);
    assert.equal(afterwards.body.code, 'token_revoked');

    const thief = await visitor(t, browser);
    await thief.context().addCookies(cookies);
    await refused(thief, await thief.goto(`${example.origin}/`), 401, 'token_revoked', 'You have signed out');
    await follow(thief, SIGN_OUT);
    assert.match(await thief.textContent('main'), /You are not signed in/, 'a way out of a cookie that is no good');
  });

  test('is no matter of a token without its receipt', async (t) => {
    const page = await signedIn(t, ADA);
    const [{ value }] = await sessions(page);
    const [token] = value.split('~');
    for (const headers of [{ authorization: `Bearer ${token}` }, { cookie: `${COOKIE}=${token}` }]) {
      const answer = await send('GET', `${example.origin}/welcome`, headers);
      assert.equal(answer.status, 401);
      assert.equal(answer.body.code, 'token_replayed');
    }
  });
});

describe('a server of one\'s own', () => {
  for (const [how, settings] of [
    ['is asked about each token', ({ MLD_API_KEY }) => ({ MLD_API_KEY })],
    ['is asked for its keys', () => ({})],
  ]) {
    test(`${how}, and its links sign in, once and in time`, async (t) => {
      const { MLD_API_KEY, ...server } = example.settingsOfAnother();
      const issuer = new URL(server.MLD_BASE_URL).origin;
      const own = await Example.start('magic_link', { ...server, MLD_ISSUER: issuer, ...settings({ MLD_API_KEY }) });
      t.after(() => own.stop());
      const link = (lifespanSeconds) => makeLink(server.MLD_BASE_URL, MLD_API_KEY, `${own.origin}/welcome?a=b`, {
        claims: { email: ADA }, lifespanSeconds,
      });
      const page = await visitor(t, browser);
      await page.goto(own.origin);
      await screenshot(page, 'magic_link-own_server');

      await page.goto(await link(0));
      assert.equal(page.url(), `${own.origin}/welcome?a=b`);
      assert.equal(await page.textContent('#email'), ADA);
      await page.reload();
      assert.equal(await page.textContent('#email'), ADA);

      const late = await link(5);
      await sleep(5_500);
      const newcomer = await visitor(t, browser);
      await refused(newcomer, await newcomer.goto(late), 401, 'link_expired', 'This link is too old');

      await follow(page, SIGN_OUT);
      assert.match(await page.textContent('main'), /You are not signed in/);
    });
  }
});

test('settings that cannot work are said in one sentence', async () => {
  const base = 'http://127.0.0.1:9/api/v2/';
  for (const [settings, sentence] of [
    [{ MLD_AUDIENCE: 'x' }, /^MLD_BASE_URL is not set: .*\.\n$/],
    [{ MLD_API_KEY: 'x' }, /^MLD_BASE_URL is not set: .*\.\n$/],
    [{ MLD_BASE_URL: base, MLD_AUDIENCE: '' }, /^MLD_AUDIENCE is not set: .*\.\n$/],
    [{ MLD_BASE_URL: 'http://127.0.0.1:9', MLD_AUDIENCE: 'x' }, /^MLD_BASE_URL cannot be used: .*\.\n$/],
    [{ BIND: 'nowhere' }, /^BIND=nowhere is no free host:port: .*\n$/],
  ]) {
    const { code, stderr } = await runToEnd('magic_link', settings);
    assert.equal(code, 2, stderr);
    assert.match(stderr, sentence);
  }
});

/** Has the API of the server make a link, as the backend of an app would. */
async function makeLink(baseUrl, apiKey, redirectURL, jwtCreateParams) {
  const headers = { 'x-api-key': apiKey, 'content-type': 'application/json' };
  const params = { magicLinkCreateParams: { redirectURL, jwtCreateParams } };
  const answer = await send('POST', `${baseUrl}magic-link/create`, headers, JSON.stringify(params));
  assert.equal(answer.status, 201);
  return answer.body.magicLinkCreateResults.magicLink;
}

async function askForLink(page, email, button = 'text=Send me a link') {
  await page.fill('[name=email]', email);
  await follow(page, button);
  assert.equal(await page.textContent('h1'), 'You have mail');
}

/** A link that nobody has followed. */
async function linkFor(t, email) {
  const page = await visitor(t, browser);
  await page.goto(example.origin);
  await askForLink(page, email);
  return page.getAttribute('#link', 'href');
}

/** Where the server sends who follows `link`, which it then knows no more. */
async function tokenUrl(link) {
  const { status, headers } = await send('GET', link);
  assert.equal(status, 303);
  return headers.location;
}

/** A browser that has followed a link, and the URL with the token in it. */
async function followedLink(t, email) {
  const url = await tokenUrl(await linkFor(t, email));
  const page = await visitor(t, browser);
  await page.goto(url);
  assert.equal(await page.textContent('#email'), email);
  return { page, url };
}

/** A browser that has asked for a link and followed it. */
async function signedIn(t, email) {
  const page = await visitor(t, browser);
  await page.goto(example.origin);
  await askForLink(page, email);
  await follow(page, '#link');
  assert.equal(await page.textContent('#email'), email);
  return page;
}

async function sessions(page) {
  return (await page.context().cookies()).filter(({ name }) => name === COOKIE);
}

async function refused(page, response, status, code, title) {
  assert.equal(response.status(), status);
  assert.equal(await page.textContent('h1'), title);
  assert.equal(await page.textContent('.code'), `Code: ${code}`);
  const headers = await response.allHeaders();
  assert.match(headers['content-type'], /^text\/html/);
  if (status === 401) assert.match(headers['www-authenticate'], /^Bearer /);
  assert.match(headers['cache-control'], /no-store/);
}

function noTokenIn(urls, where) {
  for (const url of urls) assert.doesNotMatch(url, /jwt=|eyJ/, where);
}
