// Who issues tokens to a suite's workloads? An issuer on this machine, with jose's keys and signatures.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';

export const AUDIENCE = 'https://gate.example';

/** Serves its discovery document and its keys over HTTP, and signs whatever a test wants. */
export class Issuer {
  static async start() {
    const issuer = new Issuer();
    issuer.keys = [];
    issuer.server = createServer((request, response) => {
      const documents = {
        '/.well-known/openid-configuration': { issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` },
        '/jwks': { keys: issuer.keys },
      };
      const document = documents[request.url];
      response.writeHead(document ? 200 : 404, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(document ?? {}));
    });
    issuer.server.listen(0, '127.0.0.1');
    await once(issuer.server, 'listening');
    issuer.url = `http://127.0.0.1:${issuer.server.address().port}`;
    await issuer.rotate('RS256');
    return issuer;
  }

  /** Signs with a fresh key from now on, and publishes no other. */
  async rotate(algorithm) {
    const { publicKey, privateKey } = await generateKeyPair(algorithm);
    this.header = { alg: algorithm, kid: `key-${Math.random()}`, typ: 'JWT' };
    this.privateKey = privateKey;
    this.keys = [{ ...(await exportJWK(publicKey)), kid: this.header.kid, use: 'sig', alg: algorithm }];
  }

  /** A token for five minutes with the claims of GitHub Actions. */
  token(claims = {}, audience = AUDIENCE) {
    const workflow = {
      sub: 'repo:acme/app:ref:refs/heads/main', repository: 'acme/app', repository_id: '74', ref: 'refs/heads/main',
      workflow: 'nightly', run_id: '1658', run_attempt: '1', actor: 'octocat', actor_id: '12', event_name: 'schedule',
    };
    return new SignJWT({ ...workflow, ...claims })
      .setProtectedHeader(this.header).setIssuer(this.url).setAudience(audience)
      .setIssuedAt().setNotBefore('-5 seconds').setExpirationTime('5 minutes').sign(this.privateKey);
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}
