// How does a client that can't send a token get through? A forwarder that adds the header and changes nothing else.
import http from 'node:http';

/** Forwards to `target` (a URL with a path) with `headers` added; gives its own URL with the same path. */
export async function forwarder(target, headers) {
  const { hostname, port, pathname } = new URL(target);
  const server = http.createServer((request, response) => {
    const onward = http.request({
      hostname, port, path: request.url, method: request.method, headers: { ...request.headers, ...headers }, agent: false,
    }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      response.flushHeaders();
      answer.pipe(response);
      answer.once('error', () => response.destroy());
    });
    onward.once('error', () => response.destroy());
    response.once('close', () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://localhost:${server.address().port}${pathname}`,
    stop: () => new Promise((done) => { server.close(done); server.closeAllConnections(); }),
  };
}
