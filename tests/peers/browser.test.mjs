// Can people do their part in a browser: come in, look, approve, deny, be too late, be two?
import assert from 'node:assert/strict';
import { access, readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { startBrowser, flow, Visitor } from './lib/browser.mjs';
import { FLAVOURS, textOf } from './lib/clients.mjs';
import { installed, until } from './lib/process.mjs';
import { world } from './lib/world.mjs';

const AXE = await readFile(installed('axe-core', 'axe.min.js'), 'utf8');
const PHONE = { viewport: { width: 375, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

let here;
let browser;
let agents;
before(async () => {
  here = await world('browser', { hold_seconds: 60 });
  browser = await startBrowser();
  agents = {};
  for (const resource of ['files', 'files-brief', 'files-dual', 'files-strong']) {
    agents[resource] = await FLAVOURS[0].open(here.through(resource));
  }
});
after(async () => {
  await Promise.all(Object.values(agents ?? {}).map((agent) => agent.close()));
  await browser?.close();
  await here?.stop();
});

const exists = (file) => access(file).then(() => true, () => false);
let counter = 0;

/** A held write: the path, the review, and the promise of the agent's answer. */
async function held(resource = 'files', content = 'written after approval') {
  const path = here.file(`page-${counter += 1}.txt`);
  const answer = agents[resource].call('write_file', { path, content });
  answer.catch(() => {}); // a flow that fails leaves it; one that goes on awaits it
  const review = await here.reviewer.pending(path);
  return { path, answer, review, url: `${here.gateway.people}/reviews/${review.id}` };
}

/** A new person in a new browser, signed in by a one-time link. */
async function person(options = {}, name = `person${counter += 1}`, group = 'reviewers') {
  const visitor = await Visitor.open(browser, name, options);
  visitor.link = await here.gateway.invite(name, group);
  await visitor.page.goto(visitor.link);
  if (options.javaScriptEnabled === false) await visitor.page.getByRole('button', { name: 'Sign in' }).click();
  await visitor.page.getByRole('heading', { name: 'Inbox' }).waitFor();
  return visitor;
}

const approve = (page) => page.getByRole('button', { name: /^Approve/ });
const deny = (page) => page.getByRole('button', { name: /^Deny/ });
/** Whether there is nothing to press. */
const locked = async (button) => (await button.count()) === 0 || button.isDisabled();
const decision = (page) => page.getByRole('region', { name: 'Decision' }).or(page.locator('#decide'));

describe('coming in', () => {
  it('a one-time link signs in once, a passkey enrolled there signs in the next time', async () => {
    const visitor = await person();
    const { page } = visitor;
    await flow('passkey', [visitor], async () => {
      await page.goto(`${here.gateway.people}/account`);
      await page.getByLabel('Name for a new passkey').fill('Test key');
      await page.getByRole('button', { name: 'Enrol a passkey' }).click();
      await page.getByText('Test key').waitFor();
      assert.equal((await visitor.passkeys()).length, 1);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.goto(`${here.gateway.people}/`);
      await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
      await page.getByRole('heading', { name: 'Inbox' }).waitFor();
      await page.goto(`${here.gateway.people}/account`);
      await page.getByText('by passkey').waitFor();
      await visitor.context.clearCookies();
      const again = await page.goto(visitor.link);
      assert.ok(again.status() >= 400, 'the link is used up');
      await page.goto(`${here.gateway.people}/`);
      assert.match(page.url(), /sign-in/);
    });
  });

  it('a passkey of nobody here signs nobody in', async () => {
    const visitor = await Visitor.open(browser, 'stranger');
    await flow('stranger', [visitor], async () => {
      await visitor.page.goto(`${here.gateway.people}/sign-in`);
      await visitor.page.getByRole('button', { name: 'Sign in with a passkey' }).click();
      await visitor.page.getByRole('alert').waitFor();
      await visitor.page.goto(`${here.gateway.people}/`);
      assert.match(visitor.page.url(), /sign-in/);
    });
  });
});

describe('answering', () => {
  it('a new question appears in the open inbox, is judged, approved, and runs', async () => {
    const visitor = await person();
    const { page } = visitor;
    await flow('approve', [visitor], async () => {
      const loads = [];
      page.on('framenavigated', (frame) => loads.push(frame.url()));
      const { path, answer, review } = await held('files', 'harmless\u202etxt.exe');
      const row = page.locator(`a[href="/reviews/${review.id}"]`);
      await row.waitFor();
      assert.deepEqual(loads, [], 'it appeared by itself');
      await row.click();
      const main = page.locator('main');
      for (const shown of [path, 'peer-agent', 'olga', 'files', 'changes-need-people', review.digest, 'verified']) {
        await main.getByText(shown).first().waitFor();
      }
      assert.ok(!(await main.innerText()).includes('\u202e'), 'a bidirectional override is never drawn as such');
      assert.match(await main.innerText(), /202E|RIGHT-TO-LEFT OVERRIDE/i);
      assert.equal(await exists(path), false);
      await page.getByLabel('Reason').fill('matches the ticket');
      await approve(page).click();
      await page.getByText('Your approval is recorded.').waitFor();
      assert.notEqual((await answer).isError, true);
      assert.equal(await readFile(path, 'utf8'), 'harmless\u202etxt.exe');
      await page.getByText('it ran').waitFor();
      const voted = await here.reviewer.state(review.id, 'executed');
      assert.deepEqual(voted.votes.map(({ name, reason }) => [name, reason]), [[visitor.name, 'matches the ticket']]);
      await page.goto(`${here.gateway.people}/history`);
      await page.getByRole('main').getByText('write_file').first().waitFor();
    });
  });

  it('a denial reaches the agent with its reason', async () => {
    const visitor = await person();
    const { page } = visitor;
    await flow('deny', [visitor], async () => {
      const { path, answer, url } = await held();
      await page.goto(url);
      await page.getByLabel('Reason').fill('not on a Friday');
      await deny(page).click();
      await page.getByText('Your denial is recorded.').waitFor();
      const result = await answer;
      assert.equal(result.isError, true);
      assert.match(textOf(result), /not on a Friday/);
      assert.equal(await exists(path), false);
    });
  });

  it('works with the keyboard alone', async () => {
    const visitor = await person();
    const { page } = visitor;
    await flow('keyboard', [visitor], async () => {
      const { path, answer, review } = await held();
      await page.locator(`a[href="/reviews/${review.id}"]`).waitFor();
      const focused = () => page.evaluate(() => document.activeElement.getAttribute('href') ?? document.activeElement.id);
      await until('the row to be focused', async () => {
        await page.keyboard.press('j');
        return (await focused()) === `/reviews/${review.id}`;
      });
      await page.keyboard.press('Enter');
      await approve(page).waitFor();
      await page.keyboard.press('a');
      assert.equal(await focused(), 'approve');
      await page.keyboard.press('Enter');
      await page.getByText('Your approval is recorded.').waitFor();
      assert.notEqual((await answer).isError, true);
      assert.equal(await exists(path), true);
    });
  });

  it('a double click is one vote and one execution', async () => {
    const visitor = await person();
    await flow('double-click', [visitor], async () => {
      const path = here.file(`page-${counter += 1}.txt`);
      await writeFile(path, 'x');
      const answer = agents.files.call('edit_file', { path, edits: [{ oldText: 'x', newText: 'xy' }] });
      const review = await here.reviewer.pending(path);
      await visitor.page.goto(`${here.gateway.people}/reviews/${review.id}`);
      await approve(visitor.page).dblclick();
      await answer;
      const { votes } = await here.reviewer.state(review.id, 'executed');
      assert.equal(votes.length, 1);
      assert.equal(await readFile(path, 'utf8'), 'xy');
      await visitor.page.getByText('it ran').waitFor();
    });
  });

  it('that comes too late is not counted: the review expires while somebody looks', async () => {
    const visitor = await person();
    const { page } = visitor;
    await flow('expiry', [visitor], async () => {
      const { path, answer, review, url } = await held('files-brief');
      await page.goto(url);
      await decision(page).getByText('nobody answered in time').waitFor({ timeout: 45_000 });
      assert.equal(await approve(page).count(), 0);
      const late = await here.reviewer.vote(review, 'approve');
      assert.equal(late.status, 409);
      const result = await answer;
      assert.equal(result.isError, true);
      assert.match(textOf(result), /not executed/i);
      assert.equal(await exists(path), false);
    });
  });
});

describe('two reviewers at once', () => {
  it('the one who looks sees the other decide, and a stale page is not counted', async () => {
    const [first, second] = [await person(), await person()];
    const stale = await person({ javaScriptEnabled: false });
    await flow('two-reviewers', [first, second, stale], async () => {
      const { answer, review, url } = await held();
      for (const { page } of [first, second, stale]) await page.goto(url);
      await approve(first.page).click();
      await first.page.getByText('Your approval is recorded.').waitFor();
      await decision(second.page).getByText('it ran').waitFor();
      await decision(second.page).getByText(first.name).first().waitFor();
      assert.equal(await deny(second.page).count(), 0);
      await deny(stale.page).click();
      await stale.page.getByText('Your answer was not counted').waitFor();
      assert.notEqual((await answer).isError, true);
      const { votes } = await here.reviewer.review(review.id);
      assert.deepEqual(votes.map(({ name }) => name), [first.name]);
    });
  });

  it('two people must agree where policy says two, and one person in two browsers is one', async () => {
    const [first, second] = [await person(), await person()];
    const twin = await person({}, first.name);
    await flow('quorum', [first, second, twin], async () => {
      const { path, answer, review, url } = await held('files-dual');
      await first.page.goto(url);
      await approve(first.page).click();
      await first.page.getByText('Your approval is recorded.').waitFor();
      await twin.page.goto(url);
      await decision(twin.page).waitFor();
      assert.ok(await locked(approve(twin.page)));
      assert.equal((await here.reviewer.review(review.id)).state, 'pending');
      assert.equal(await exists(path), false);
      await second.page.goto(url);
      await approve(second.page).click();
      await second.page.getByText('Your approval is recorded.').waitFor();
      assert.notEqual((await answer).isError, true);
      assert.equal(await exists(path), true);
    });
  });

  it('the owner of the agent is shown why there is nothing to press', async () => {
    const owner = await person({}, 'olga');
    await flow('owner', [owner], async () => {
      const { answer, review, url } = await held();
      await owner.page.goto(url);
      await owner.page.getByText("You can't approve this").waitFor();
      assert.ok(await locked(approve(owner.page)));
      await here.reviewer.deny(review);
      await answer;
    });
  });

  it('a stronger sign-in is asked for where policy wants a passkey, and is enough', async () => {
    const visitor = await person();
    const { page } = visitor;
    await flow('assurance', [visitor], async () => {
      const { path, answer, url } = await held('files-strong');
      await page.goto(`${here.gateway.people}/account`);
      await page.getByRole('button', { name: 'Enrol a passkey' }).click();
      await page.getByText('This device').waitFor();
      await page.goto(url);
      await page.getByText("You can't approve this").waitFor();
      assert.ok(await locked(approve(page)));
      await page.getByRole('link', { name: 'Sign in with a passkey' }).click();
      await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
      await approve(page).click();
      await page.getByText('Your approval is recorded.').waitFor();
      assert.notEqual((await answer).isError, true);
      assert.equal(await exists(path), true);
    });
  });
});

describe('every page', () => {
  const looks = [
    ['light', {}], ['dark', { colorScheme: 'dark' }], ['phone', PHONE], ['dark phone', { ...PHONE, colorScheme: 'dark' }],
  ];
  for (const [look, options] of looks) {
    it(`is accessible and fits: ${look}`, async () => {
      const visitor = await person(options);
      const { page } = visitor;
      await flow(`pages-${look}`, [visitor], async () => {
        const { answer, review, url } = await held('files', JSON.stringify({ deep: [1, { long: 'x'.repeat(400) }] }));
        const pages = {
          inbox: '/', review: `/reviews/${review.id}`, history: '/history', passed: '/passed', action: `/actions/${review.action.id}`,
          audit: '/audit', verify: '/audit/verify', account: '/account', nothing: '/no-such-page',
        };
        for (const [name, route] of Object.entries(pages)) {
          await page.goto(`${here.gateway.people}${route}`);
          await judge(visitor, `${name}-${look}`);
        }
        await here.reviewer.deny(review);
        await answer;
        await page.goto(url);
        await judge(visitor, `review-decided-${look}`);
        await visitor.context.clearCookies();
        await page.goto(`${here.gateway.people}/sign-in`);
        await judge(visitor, `sign-in-${look}`);
      });
    });
  }

  /** No finding of axe, nothing wider than the screen, and a picture. */
  async function judge(visitor, name) {
    const { page } = visitor;
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
    assert.deepEqual(found, [], name);
    const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(wide <= screen, `${name} is ${wide} wide on a screen of ${screen}`);
    if (process.env.PICTURES) await visitor.screenshot(name);
  }
});
