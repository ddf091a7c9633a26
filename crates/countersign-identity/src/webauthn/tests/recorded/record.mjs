// Records what Chromium's virtual authenticator answers, for `recorded.rs`: run with `playwright-core` installed,
//   node record.mjs /usr/bin/chromium > chromium.json
// One credential for each of ES256, EdDSA and RS256, one that may be backed up, and one assertion of each.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json"));
const { chromium } = require("playwright-core");

const server = createServer((_, answer) => answer.setHeader("content-type", "text/html").end("<title>record</title>"));
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const origin = `http://localhost:${server.address().port}`;

const flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking " +
  "--disable-component-update --disable-sync";
const context = await chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), "record-")), {
  executablePath: process.argv[2],
  args: flags.split(" "),
});
const page = await context.newPage();
const cdp = await context.newCDPSession(page);
await page.goto(origin);
await cdp.send("WebAuthn.enable");

const base64url = (bytes) => Buffer.from(bytes).toString("base64url");
const ceremonies = [];
for (const [alg, backup] of [[-7, false], [-8, false], [-257, false], [-7, true]]) {
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal", hasResidentKey: true,
      hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true,
      defaultBackupEligibility: backup, defaultBackupState: backup,
    },
  });
  const user = base64url(Buffer.from("sixteen bytes id"));
  const challenge = base64url(Buffer.alloc(32, 7));
  const creation = {
    rp: { id: "localhost", name: "Countersign" },
    user: { id: user, name: "ada", displayName: "ada" },
    challenge,
    pubKeyCredParams: [{ type: "public-key", alg }],
    authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
    excludeCredentials: [],
    attestation: "none",
  };
  const request = { rpId: "localhost", challenge, allowCredentials: [], userVerification: "required" };
  const [registration, assertion] = await page.evaluate(async ([creation, request]) => {
    const created = await navigator.credentials.create(
      { publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(creation) });
    const got = await navigator.credentials.get(
      { publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(request) });
    return [created.toJSON(), got.toJSON()];
  }, [creation, request]);
  ceremonies.push({ alg, backup, registration, assertion });
  await cdp.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId });
}
const version = context.browser()?.version() ?? (await cdp.send("Browser.getVersion")).product;
console.log(JSON.stringify({ recorded_with: version, origin, ceremonies }, null, 1));
await context.close();
server.close();
