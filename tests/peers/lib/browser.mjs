// How does a person with a browser and a passkey look like to a test?
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { ROOT } from './process.mjs';

const SHOTS = process.env.SCREENSHOTS ?? path.join(ROOT, 'target', 'screenshots');
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

export async function startBrowser() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
}

/** One person's browser: own cookies, own passkeys, every complaint of the page kept. */
export class Visitor {
  static async open(browser, name, options = {}) {
    const visitor = new Visitor();
    visitor.name = name;
    visitor.context = await browser.newContext({ reducedMotion: 'reduce', ...options });
    visitor.page = await visitor.context.newPage();
    visitor.page.setDefaultTimeout(15_000);
    visitor.complaints = [];
    visitor.page.on('pageerror', (error) => visitor.complaints.push(`page error: ${error.message}`));
    visitor.page.on('console', (message) => {
      // Answers of 4xx are part of some flows and shown to the person; whatever else the page reports is a fault.
      if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) visitor.complaints.push(message.text());
    });
    visitor.page.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (protocol.startsWith('http') && hostname !== 'localhost') visitor.complaints.push(`outside request: ${request.url()}`);
    });
    visitor.devtools = await visitor.context.newCDPSession(visitor.page);
    await visitor.devtools.send('WebAuthn.enable');
    const { authenticatorId } = await visitor.devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    visitor.authenticator = authenticatorId;
    return visitor;
  }

  /** The passkeys in the authenticator. */
  async passkeys() {
    return (await this.devtools.send('WebAuthn.getCredentials', { authenticatorId: this.authenticator })).credentials;
  }

  async screenshot(name, options = {}) {
    await mkdir(SHOTS, { recursive: true });
    const file = path.join(SHOTS, `${name}.png`.replace(/[^\w.-]+/g, '-'));
    await this.page.screenshot({ path: file, fullPage: true, ...options });
    return file;
  }

  close() {
    return this.context.close();
  }
}

/** Runs `script` with these visitors; keeps a screenshot of each when it fails, and demands that no page complained. */
export async function flow(name, visitors, script) {
  try {
    await script();
    const complaints = visitors.flatMap(({ complaints: list }) => list);
    if (complaints.length) throw new Error(`the page complained: ${complaints.join('; ')}`);
  } catch (error) {
    const files = await Promise.all(visitors.map((visitor) => visitor.screenshot(`failed-${name}-${visitor.name}`).catch(() => 'none')));
    console.error(`${name} failed; screenshots: ${files.join(', ')}`);
    throw error;
  } finally {
    await Promise.all(visitors.map((visitor) => visitor.close()));
  }
}
