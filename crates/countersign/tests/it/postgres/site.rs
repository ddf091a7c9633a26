//! Where do these tests happen? A gateway in front of a database of its own on one shared server.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};

use countersign_core::{AgentId, Resource, Timestamp};
use countersign_gate::Clock as _;
use countersign_identity::{Claims, Identity};
use countersign_proxy_postgres::codec::startup::ProtocolVersion;
use countersign_proxy_postgres::login::client::ClientRules;
use countersign_proxy_postgres::login::upstream::{Place, UpstreamAddress};
use countersign_proxy_postgres::tls::UpstreamTls;
use countersign_proxy_postgres::{Authenticate, PostgresProxy, PrincipalFuture, ResourceConfig, Shown};
use countersign_store::Store;
use countersign_testkit::{Postgres, PostgresOptions, World, WorldOptions};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::wire::{Message, Raw};

/// Everything that has a name in these tests is permitted, except what is secret and what runs somebody's function;
/// deletes are seen by people. No policy looks at parameters, so that what is permitted passes on a standing answer.
const POLICY: &str = r#"
@id("everyday") permit (principal,
    action in [Action::"read", Action::"write", Action::"delete", Action::"schema", Action::"privilege",
               Action::"export", Action::"network"], resource);
@id("secret") forbid (principal, action in Action::"any", resource == Object::"orders/hidden.place");
@id("ask-delete") @review("dba") @expires("10m") @claim_within("5m")
forbid (principal, action == Action::"delete", resource);
"#;

/// What every database begins with. `evil()` claims to be immutable, so that a planner runs it.
const TABLES: &str = "
CREATE TABLE orders (id int PRIMARY KEY, note text);
INSERT INTO orders SELECT i, 'note ' || i FROM generate_series(1, 9) i;
CREATE SCHEMA hidden;
CREATE TABLE place (name text); INSERT INTO place VALUES ('public');
CREATE TABLE hidden.place (name text); INSERT INTO hidden.place VALUES ('hidden');
CREATE TABLE deeds (what text);
CREATE SEQUENCE deeds_seen;
CREATE FUNCTION deed() RETURNS int LANGUAGE plpgsql VOLATILE AS
    'BEGIN INSERT INTO public.deeds VALUES (''done''); RETURN nextval(''public.deeds_seen''); END';
CREATE FUNCTION evil() RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN public.deed(); END';
";

/// A gateway, its people, and its database.
pub(super) struct Site {
    pub(super) world: World,
    pub(super) server: Arc<Postgres>,
    pub(super) database: String,
    pub(super) token: String,
    /// Where agents connect.
    pub(super) port: u16,
    stop: CancellationToken,
    own_server: bool,
}

/// How a site is made.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) policy: String,
    pub(super) tables: String,
    pub(super) tune: fn(&mut ResourceConfig),
    /// A server of its own, for tests that end it.
    pub(super) own_server: bool,
    /// How clients are received.
    pub(super) rules: ClientRules,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            policy: POLICY.to_owned(),
            tables: TABLES.to_owned(),
            tune: |_| {},
            own_server: false,
            rules: ClientRules::default(),
        }
    }
}

impl Plan {
    /// With more policies.
    pub(super) fn and_policy(more: &str) -> Self {
        Self { policy: format!("{POLICY}{more}"), ..Self::default() }
    }

    /// With more objects in the database.
    pub(super) fn and_tables(more: &str) -> Self {
        Self { tables: format!("{TABLES}{more}"), ..Self::default() }
    }
}

/// One server for all tests that run at the same time; stopped with the last of them.
fn shared_server() -> Arc<Postgres> {
    static RUNNING: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
    let mut running = RUNNING.lock().unwrap();
    running.upgrade().unwrap_or_else(|| {
        let server = start_server();
        *running = Arc::downgrade(&server);
        server
    })
}

fn start_server() -> Arc<Postgres> {
    let server = Postgres::start(&PostgresOptions {
        tls: false,
        hba: vec!["host all app 127.0.0.0/8 trust".to_owned()],
        settings: ["max_connections = 300", "autovacuum = off", "min_wal_size = 32MB", "max_wal_size = 64MB"]
            .map(str::to_owned)
            .to_vec(),
    });
    server.sql("CREATE ROLE app LOGIN; CREATE ROLE other; GRANT other TO app; CREATE ROLE peek LOGIN PASSWORD 'peek'");
    Arc::new(server)
}

struct Tokens(Arc<Identity>, Store);

impl Authenticate for Tokens {
    fn principal<'a>(
        &'a self,
        shown: Shown<'a>,
        client: Option<&'a str>,
        now: Timestamp,
    ) -> PrincipalFuture<'a> {
        let claims = Claims { client: client.map(str::to_owned), ..Claims::default() };
        let shown = countersign_identity::Shown { bearer: shown.password, certificate: shown.certificate };
        Box::pin(async move { self.0.principal_shown(shown, &claims, now).await.unwrap() })
    }

    fn stands(&self, agent: AgentId, now: Timestamp) -> bool {
        self.1.agent_stands(agent, now).unwrap()
    }
}

impl Site {
    pub(super) async fn new() -> Self {
        Self::with(Plan::default()).await
    }

    pub(super) async fn with(plan: Plan) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let database = format!("site_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let name = database.clone();
        let server = tokio::task::spawn_blocking(move || {
            let server = if plan.own_server { start_server() } else { shared_server() };
            server.sql(&format!("CREATE DATABASE {name} OWNER app"));
            sql(&server, &name, &plan.tables);
            server
        });
        let server = server.await.unwrap();
        let world = World::with(WorldOptions { policy: plan.policy, ..WorldOptions::default() }).await;
        let token = world.add_agent("agent", "olaf").await;
        let resource = Resource {
            name: "orders".to_owned(),
            protocol: "postgres".to_owned(),
            labels: [("env".to_owned(), "prod".to_owned())].into(),
        };
        let upstream = UpstreamAddress {
            place: Place::new("127.0.0.1", server.port()),
            database: database.clone(),
            user: "app".to_owned(),
            password: None,
            tls: UpstreamTls::disabled(),
            application_name: None,
            protocol: ProtocolVersion::V3_0,
        };
        let mut config = ResourceConfig::new(resource, upstream);
        (plan.tune)(&mut config);
        let tokens: Arc<dyn Authenticate> =
            Arc::new(Tokens(Arc::clone(&world.identity), world.store.clone()));
        let proxy = PostgresProxy::new(vec![config], &world.gate, &tokens, plan.rules);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = CancellationToken::new();
        tokio::spawn(proxy.serve(listener, stop.clone()));
        Self { world, server, database, token, port, stop, own_server: plan.own_server }
    }

    /// A client of the gateway.
    pub(super) async fn client(&self) -> Raw {
        Raw::connect(self.port, &self.token, &[("user", "agent"), ("database", "orders")]).await
    }

    /// A client of the gateway that brings settings along.
    pub(super) async fn client_with(&self, more: &[(&str, &str)]) -> Result<Raw, Message> {
        let parameters = [&[("user", "agent"), ("database", "orders")], more].concat();
        Raw::try_connect(self.port, &self.token, &parameters).await
    }

    /// A client of the server itself.
    pub(super) async fn direct(&self) -> Raw {
        let encoding = ("client_encoding", "UTF8");
        Raw::connect(self.server.port(), "", &[("user", "app"), ("database", &self.database), encoding]).await
    }

    /// Rows of a query that goes past the gateway.
    pub(super) fn sql(&self, text: &str) -> String {
        sql(&self.server, &self.database, text)
    }

    /// Asks the server until it answers this.
    pub(super) async fn until(&self, question: &str, answer: &str) {
        let mut answered = String::new();
        for _ in 0..500 {
            let (server, database) = (Arc::clone(&self.server), self.database.clone());
            let question = question.to_owned();
            // Asked elsewhere, so that the gateway goes on meanwhile.
            let asked = tokio::task::spawn_blocking(move || sql(&server, &database, &question));
            answered = asked.await.unwrap();
            if answered == answer {
                return;
            }
        }
        panic!("`{question}` is `{answered}` and never `{answer}`");
    }

    /// Waits until so many statements wait for a lock of `orders`.
    pub(super) async fn until_blocked(&self, count: usize) {
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'orders'::regclass";
        self.until(waiting, &count.to_string()).await;
    }

    /// `psql` through the gateway, not started yet.
    pub(super) fn psql(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut psql = tokio::process::Command::new("psql");
        psql.args(["-X", "-h", "127.0.0.1", "-U", "agent", "-d", "orders", "-p"]).arg(self.port.to_string());
        psql.args(arguments).env("PGPASSWORD", &self.token).env("PGSSLMODE", "disable").kill_on_drop(true);
        psql
    }

    pub(super) fn now(&self) -> Timestamp {
        self.world.clock.now()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop.cancel();
        if !std::thread::panicking() && !self.own_server {
            self.server.sql(&format!("DROP DATABASE {} WITH (FORCE)", self.database));
        }
    }
}

fn sql(server: &Postgres, database: &str, text: &str) -> String {
    let mut psql = Command::new("psql");
    psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "app", "-c", text]);
    psql.args(["-d", database, "-p", &server.port().to_string()]).env("PGSSLMODE", "disable");
    let output = psql.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
