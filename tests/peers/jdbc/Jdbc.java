// What does a Java program see of PostgreSQL? Everything that a driver does, one line for each thing that it tells.
//
//   java -cp lib/postgresql-….jar Jdbc.java script       all ways to ask
//   java … Jdbc.java held STATEMENT SECONDS              one statement with this query time-out, 0 for none
//
// Where to connect stands in PGURL, PGUSER and PGPASSWORD.
import java.io.StringReader;
import java.io.StringWriter;
import java.sql.Array;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Types;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import org.postgresql.PGConnection;
import org.postgresql.util.PSQLException;
import org.postgresql.util.PSQLWarning;
import org.postgresql.util.ServerErrorMessage;

public final class Jdbc {
  private static final String VALUES = "SELECT 1::int2, 2::int4, 3::int8, 1.5::float4, 0.1::float8,"
      + " 12345.678901234567890::numeric, 'ünï ☃'::text, true, '\\x00ff10'::bytea, NULL::int4, '2026-02-28'::date,"
      + " '12:34:56.789'::time, '2026-03-29 01:30+00'::timestamptz, '1 year 2 mons 3 days 04:05:06'::interval,"
      + " '[1,5)'::int4range, '{\"a\":[1,null]}'::jsonb, 'calm'::mood, ROW('a street', 7)::place, ARRAY['a', NULL, 'c'],"
      + " '{{1,2},{3,4}}'::int4[], '10.0.0.0/8'::inet, 'c0ffee00-0000-4000-8000-000000000001'::uuid, 4::positive";
  private static final List<String> MISTAKES = List.of(
      "SELECT 1/0", "SELEKT 1", "SELECT * FROM nowhere", "SELECT nothing FROM orders", "SELECT no_such_function(1)",
      "INSERT INTO orders (customer) VALUES (NULL)", "INSERT INTO orders (customer) VALUES ('customer 1')",
      "INSERT INTO lines (order_id, amount) VALUES (999, 1)", "INSERT INTO lines (order_id, amount) VALUES (1, -1)",
      "SELECT 'x'::mood", "SET no_such_setting = 1");

  public static void main(String[] args) throws Exception {
    try (Connection connection = DriverManager.getConnection(
        System.getenv("PGURL"), System.getenv("PGUSER"), System.getenv("PGPASSWORD"))) {
      switch (args[0]) {
        case "script" -> script(connection);
        case "held" -> held(connection, args[1], Integer.parseInt(args[2]));
        default -> throw new IllegalArgumentException(args[0]);
      }
    }
  }

  private static void say(Object... what) {
    System.out.println(Arrays.deepToString(what));
  }

  interface Work {
    void run() throws Exception;
  }

  /** What `work` fails with. */
  private static void fails(Work work) throws Exception {
    try {
      work.run();
      say("went through");
    } catch (SQLException error) {
      say("failed", error.getSQLState(), error.getMessage());
      if (error instanceof PSQLException told && told.getServerErrorMessage() != null) {
        fields(told.getServerErrorMessage());
      }
    }
  }

  private static void fields(ServerErrorMessage told) {
    say(told.getSeverity(), told.getSQLState(), told.getMessage(), told.getDetail(), told.getHint(), told.getPosition(),
        told.getSchema(), told.getTable(), told.getColumn(), told.getConstraint(), told.getRoutine());
  }

  private static void warnings(SQLWarning warning) {
    for (; warning != null; warning = warning.getNextWarning()) {
      say("warning", warning.getSQLState(), warning.getMessage());
    }
  }

  private static void rows(ResultSet rows) throws SQLException {
    ResultSetMetaData about = rows.getMetaData();
    for (int at = 1; at <= about.getColumnCount(); at += 1) {
      say(about.getColumnLabel(at), about.getColumnName(at), about.getColumnTypeName(at), about.getTableName(at),
          about.getPrecision(at), about.getScale(at), about.isNullable(at), about.isAutoIncrement(at));
    }
    while (rows.next()) {
      Object[] row = new Object[about.getColumnCount()];
      for (int at = 0; at < row.length; at += 1) row[at] = value(rows.getObject(at + 1));
      say(row);
    }
  }

  private static Object value(Object value) throws SQLException {
    if (value instanceof byte[] bytes) return HexFormat.of().formatHex(bytes);
    if (value instanceof Array array) return array.getBaseTypeName() + Arrays.deepToString((Object[]) array.getArray());
    return String.valueOf(value);
  }

  /** Every result of one call: rows or counts, and the warnings. */
  private static void results(Statement statement, boolean isRows) throws SQLException {
    while (isRows || statement.getUpdateCount() != -1) {
      if (isRows) rows(statement.getResultSet());
      else say("count", statement.getUpdateCount());
      isRows = statement.getMoreResults();
    }
    warnings(statement.getWarnings());
  }

  private static void script(Connection connection) throws Exception {
    plain(connection);
    prepared(connection);
    transactions(connection);
    batches(connection);
    copies(connection);
    looksAround(connection.getMetaData());
  }

  private static void plain(Connection connection) throws Exception {
    try (Statement statement = connection.createStatement()) {
      for (String text : List.of(
          VALUES, "SELECT * FROM orders ORDER BY id LIMIT 3", "SELECT noisy('jdbc')",
          "SELECT 1 AS a; UPDATE lines SET amount = amount WHERE id < 4; SELECT 'b'::text", "", ";",
          "SELECT ?::jsonb ?? 'a'".replace("?::jsonb ??", "'{\"a\":1}'::jsonb ?"), "SHOW search_path")) {
        results(statement, statement.execute(text));
      }
      say(statement.executeUpdate("INSERT INTO lines (order_id, amount) VALUES (1, 5)", Statement.RETURN_GENERATED_KEYS));
      rows(statement.getGeneratedKeys());
      statement.setMaxRows(2);
      rows(statement.executeQuery("SELECT id FROM orders ORDER BY id"));
      statement.setMaxRows(0);
      for (String mistake : MISTAKES) fails(() -> statement.execute(mistake));
      fails(() -> statement.executeQuery("UPDATE lines SET amount = 1 WHERE id = 1"));
      statement.setQueryTimeout(1);
      fails(() -> statement.execute("SELECT pg_sleep(30)"));
      statement.setQueryTimeout(0);
    }
  }

  /** Often enough that the driver names its statement and goes over to binary form. */
  private static void prepared(Connection connection) throws Exception {
    try (PreparedStatement statement = connection.prepareStatement(
        "SELECT id, customer, total, mood, tags, placed FROM orders WHERE id = ? OR customer = ?")) {
      say(statement.getParameterMetaData().getParameterTypeName(1), statement.getParameterMetaData().getParameterTypeName(2));
      for (int n = 1; n <= 12; n += 1) {
        statement.setInt(1, n);
        statement.setString(2, "customer " + (n + 20));
        rows(statement.executeQuery());
      }
      // Another type: the driver has to prepare anew.
      statement.setLong(1, 3);
      rows(statement.executeQuery());
    }
    try (PreparedStatement statement = connection.prepareStatement(
        "SELECT ?::int4[], ?::jsonb, ?::bytea, ?::timestamptz, ?::date, ?::uuid, ?::text, ?::int4, ?::mood")) {
      for (int n = 0; n < 7; n += 1) {
        statement.setArray(1, connection.createArrayOf("int4", new Integer[] {1, null, n}));
        statement.setObject(2, "{\"a\":\"ü\"}", Types.OTHER);
        statement.setBytes(3, new byte[] {0, (byte) 255, (byte) n});
        statement.setObject(4, OffsetDateTime.parse("2026-03-29T01:30:00Z"));
        statement.setObject(5, LocalDate.of(2026, 2, 28));
        statement.setObject(6, new UUID(1, n));
        statement.setString(7, "it's \\ \"quoted\" ☃");
        statement.setNull(8, Types.INTEGER);
        statement.setObject(9, "calm", Types.OTHER);
        rows(statement.executeQuery());
      }
    }
    try (PreparedStatement statement = connection.prepareStatement("SELECT 10 / ?")) {
      for (int n = -6; n <= 6; n += 1) {
        statement.setInt(1, n);
        fails(() -> rows(statement.executeQuery()));
      }
    }
    try (var call = connection.prepareCall("{ ? = call noisy(?) }")) {
      call.registerOutParameter(1, Types.VARCHAR);
      call.setString(2, "called");
      call.execute();
      say(call.getString(1));
      warnings(call.getWarnings());
    }
  }

  private static void transactions(Connection connection) throws Exception {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.setFetchSize(7);
      rows(statement.executeQuery("SELECT id FROM orders ORDER BY id"));
      statement.setFetchSize(0);
      Savepoint before = connection.setSavepoint("before");
      fails(() -> statement.execute("SELECT 1/0"));
      fails(() -> statement.execute("SELECT 'not now'"));
      connection.rollback(before);
      say(statement.executeUpdate("UPDATE lines SET amount = 77 WHERE id = 7"));
      connection.rollback();
      rows(statement.executeQuery("SELECT amount FROM lines WHERE id = 7"));
      connection.commit();
      connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
      connection.setReadOnly(true);
      fails(() -> statement.execute("DELETE FROM lines"));
      connection.rollback();
      connection.setReadOnly(false);
      connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
    }
    connection.setAutoCommit(true);
    try (Statement statement = connection.createStatement(
        ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE)) {
      ResultSet rows = statement.executeQuery("SELECT id, customer FROM orders WHERE id < 4 ORDER BY id");
      rows.absolute(2);
      rows.updateString("customer", "changed in place");
      rows.updateRow();
      say(rows.getInt(1), rows.getString(2));
    }
  }

  private static void batches(Connection connection) throws Exception {
    try (PreparedStatement insert = connection.prepareStatement("INSERT INTO lines (order_id, amount) VALUES (?, ?)")) {
      for (int n = 1; n <= 20; n += 1) {
        insert.setInt(1, n);
        insert.setInt(2, n * 10);
        insert.addBatch();
      }
      say(insert.executeBatch());
      for (int n : new int[] {1, 999, 2}) {
        insert.setInt(1, n);
        insert.setInt(2, 1);
        insert.addBatch();
      }
      fails(() -> {
        try {
          insert.executeBatch();
        } catch (BatchUpdateException error) {
          say(error.getUpdateCounts());
          throw error;
        }
      });
    }
    try (Statement statement = connection.createStatement()) {
      statement.addBatch("UPDATE lines SET amount = 5 WHERE id = 5");
      statement.addBatch("INSERT INTO lines (order_id, amount) VALUES (2, 2)");
      statement.addBatch("DELETE FROM lines WHERE id > 120");
      say(statement.executeBatch());
      rows(statement.executeQuery("SELECT count(*), sum(amount) FROM lines"));
    }
  }

  private static void copies(Connection connection) throws Exception {
    var copy = connection.unwrap(PGConnection.class).getCopyAPI();
    say(copy.copyIn("COPY lines (order_id, amount) FROM STDIN", new StringReader("1\t100\n2\t200\n")));
    fails(() -> copy.copyIn("COPY lines (order_id, amount) FROM STDIN", new StringReader("1\tnot a number\n")));
    StringWriter out = new StringWriter();
    say(copy.copyOut("COPY (SELECT id, tags FROM orders ORDER BY id LIMIT 5) TO STDOUT WITH (FORMAT csv, HEADER)", out));
    say(out);
  }

  private static void looksAround(DatabaseMetaData about) throws Exception {
    say(about.getDatabaseProductName(), about.getDatabaseProductVersion(), about.supportsTransactions());
    rows(about.getSchemas());
    rows(about.getTables(null, "public", "%", new String[] {"TABLE", "VIEW"}));
    rows(about.getColumns(null, "public", "orders", null));
    rows(about.getPrimaryKeys(null, "public", "orders"));
    rows(about.getImportedKeys(null, "public", "lines"));
    rows(about.getIndexInfo(null, "public", "orders", false, false));
    rows(about.getFunctions(null, "public", "%"));
    rows(about.getTypeInfo());
  }

  /** Runs a statement that people are asked about; says at once what it hears meanwhile. */
  private static void held(Connection connection, String text, int seconds) throws Exception {
    try (Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(seconds);
      Thread ear = new Thread(() -> listen(statement));
      ear.setDaemon(true);
      ear.start();
      fails(() -> say("count", statement.executeUpdate(text)));
    }
    fails(() -> {
      try (Statement statement = connection.createStatement()) {
        rows(statement.executeQuery("SELECT 40 + 2 AS after"));
      }
    });
  }

  private static void listen(Statement statement) {
    try {
      SQLWarning last = null;
      while (true) {
        SQLWarning next = last == null ? statement.getWarnings() : last.getNextWarning();
        if (next != null) {
          say("heard", next.getSQLState(), next.getMessage());
          if (next instanceof PSQLWarning told) fields(told.getServerErrorMessage());
          last = next;
        }
        Thread.sleep(20);
      }
    } catch (SQLException | InterruptedException over) {
      // The statement is closed: nothing more to hear.
    }
  }
}
