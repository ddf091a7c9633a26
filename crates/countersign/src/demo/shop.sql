-- The demo's shop: what the second act reads from and deletes in. `password` is the gateway's.
CREATE ROLE countersign LOGIN PASSWORD :'password';
CREATE DATABASE shop;
\connect shop

CREATE TABLE customers (
  id    integer PRIMARY KEY,
  name  text NOT NULL,
  email text NOT NULL
);
CREATE TABLE orders (
  id       integer PRIMARY KEY,
  customer integer NOT NULL REFERENCES customers,
  status   text NOT NULL,
  placed   date NOT NULL
);
CREATE TABLE order_lines (
  order_id integer NOT NULL REFERENCES orders ON DELETE CASCADE,
  line     integer NOT NULL,
  article  text NOT NULL,
  PRIMARY KEY (order_id, line)
);

INSERT INTO customers
  SELECT n, name, lower(split_part(name, ' ', 1)) || '@example.com'
  FROM unnest(ARRAY['Mira Lund', 'Jonas Okoye', 'Ines Ferreira', 'Tom Baker', 'Yuki Mori', 'Lea Brandt', 'Omar Haddad'])
    WITH ORDINALITY AS given (name, n);
INSERT INTO orders
  SELECT n, 1 + n % 7, CASE WHEN n <= 12 THEN 'open' ELSE 'cancelled' END, date '2026-09-01' + n
  FROM generate_series(1, 54) AS n;
INSERT INTO order_lines
  SELECT n, line, (ARRAY['lamp', 'chair', 'desk', 'shelf'])[1 + (n + line) % 4]
  FROM generate_series(1, 54) AS n, generate_series(1, 1 + n % 3) AS line;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO countersign;
ANALYZE;
