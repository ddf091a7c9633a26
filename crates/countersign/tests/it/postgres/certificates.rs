//! Does a client certificate let in the agent that it names, and nobody else? psql, rustls and a real authority.

use std::os::unix::fs::PermissionsExt as _;

use countersign_core::{Answer, Link, LinkKind, Standing, State};
use countersign_gate::Clock as _;
use countersign_identity::{KnownBy, NewAgent, Rule};
use countersign_proxy_postgres::login::client::ClientRules;
use countersign_proxy_postgres::tls::{Identity, server_that_asks};
use countersign_testkit::Authority;
use tempfile::TempDir;

use super::site::{Plan, Site};

/// A gateway that asks for certificates of its company, with an agent that is known by each kind of rule.
struct Company {
    site: Site,
    authority: Authority,
    folder: TempDir,
}

/// A certificate and its key, as PEM.
type Shown = (String, String);

impl Company {
    async fn new(certificate_and_password: bool) -> Self {
        let authority = Authority::new("authority of the company");
        let (certificate, key) = authority.issue("gateway", &["localhost"]);
        let identity = Identity { certificates: certificate.as_bytes(), key: key.as_bytes() };
        let tls = Some(server_that_asks(identity, authority.pem().as_bytes()).unwrap());
        let rules = ClientRules { tls, certificate_and_password, ..ClientRules::default() };
        let site = Site::with(Plan { rules, ..Plan::default() }).await;
        let company = Self { site, authority, folder: TempDir::new().unwrap() };
        company.add("loader", false, Rule::new("URI", "spiffe://example.org/batch")).await;
        company.add("report", false, Rule::new("subject", "CN=report")).await;
        company
    }

    /// Adds an agent; gives its token, if it has one.
    async fn add(&self, name: &str, token: bool, rule: Rule) -> Option<String> {
        let new = NewAgent {
            name: name.to_owned(),
            owner: "olaf".to_owned(),
            on_behalf_of: None,
            teams: [].into(),
            lifetime: std::time::Duration::from_secs(3600),
        };
        let known_by = KnownBy { token, certificate: vec![rule], ..KnownBy::default() };
        let now = self.site.world.clock.now();
        let added = self.site.world.identity.add_known_agent(new, &known_by, now).await.unwrap();
        added.1.map(|token| token.to_string())
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    }

    /// How many orders psql sees as this user with this certificate and password.
    async fn psql(&self, user: &str, shown: Option<&Shown>, password: &str) -> Result<String, String> {
        self.run((user, password), shown, "SELECT count(*) FROM orders").await
    }

    async fn run(
        &self,
        (user, password): (&str, &str),
        shown: Option<&Shown>,
        statement: &str,
    ) -> Result<String, String> {
        let (certificate, key) = match shown {
            Some((certificate, key)) => (self.file("client.crt", certificate), self.file("client.key", key)),
            None => ("/nonexistent".to_owned(), "/nonexistent".to_owned()),
        };
        let root = self.file("root.crt", self.authority.pem());
        let conninfo = format!(
            "host=localhost hostaddr=127.0.0.1 port={} user={user} dbname=orders sslmode=verify-full \
             sslrootcert={root} sslcert={certificate} sslkey={key}",
            self.site.port
        );
        let mut psql = tokio::process::Command::new("psql");
        psql.args(["-X", "-A", "-t", "-w", "-c", statement, &conninfo]).env("PGPASSWORD", password);
        let done = psql.output().await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
        if done.status.success() { Ok(text(done.stdout)) } else { Err(text(done.stderr)) }
    }
}

#[tokio::test]
async fn a_certificate_is_enough_for_the_agent_that_it_names_and_for_no_other() {
    let company = Company::new(false).await;
    let batch = company.authority.issue_client("anything", &["spiffe://example.org/batch"]);
    let report = company.authority.issue_client("report", &[]);
    assert_eq!(company.psql("loader", Some(&batch), "").await, Ok("9".to_owned()));
    assert_eq!(company.psql("report", Some(&report), "").await, Ok("9".to_owned()));
    let other = company.psql("report", Some(&batch), "").await.unwrap_err();
    assert!(other.contains("FATAL"), "{other}");
    // Another agent's token beside it is not asked for, and does not help.
    let token = &company.site.token;
    company.psql("agent", Some(&batch), token).await.unwrap_err();
    assert_eq!(company.psql("agent", None, token).await, Ok("9".to_owned()));
}

#[tokio::test]
async fn a_certificate_that_names_nobody_is_refused() {
    let company = Company::new(false).await;
    let issue = |name, uri| company.authority.issue_client(name, &[uri]);
    for (what, shown) in [
        ("no agent's", issue("stranger", "spiffe://example.org/other")),
        ("more than a name", issue("report2", "spiffe://example.org/batch/x")),
        ("two agents'", issue("report", "spiffe://example.org/batch")),
    ] {
        for user in ["loader", "report"] {
            let refused = company.psql(user, Some(&shown), "").await.unwrap_err();
            assert!(refused.contains("certificate authentication failed"), "{what}: {refused}");
        }
    }
    let foreign = Authority::new("authority of the company");
    let uri = ["spiffe://example.org/batch"].as_slice();
    for (what, shown) in [
        ("expired", company.authority.issue_expired_client("anything", uri)),
        ("another authority's", foreign.issue_client("anything", uri)),
    ] {
        let refused = company.psql("loader", Some(&shown), "").await.unwrap_err();
        assert!(!refused.contains("FATAL"), "{what} got past the handshake: {refused}");
    }
}

#[tokio::test]
async fn revoking_ends_a_certificate_at_once() {
    let company = Company::new(false).await;
    let batch = company.authority.issue_client("anything", &["spiffe://example.org/batch"]);
    assert_eq!(company.psql("loader", Some(&batch), "").await, Ok("9".to_owned()));
    let now = company.site.world.clock.now();
    company.site.world.identity.revoke_agent("loader", now).await.unwrap();
    let refused = company.psql("loader", Some(&batch), "").await.unwrap_err();
    assert!(refused.contains("certificate authentication failed"), "{refused}");
}

#[tokio::test]
async fn where_both_are_demanded_both_must_name_the_same_agent() {
    let company = Company::new(true).await;
    let token = company.add("both", true, Rule::new("URI", "spiffe://example.org/both")).await.unwrap();
    let both = company.authority.issue_client("anything", &["spiffe://example.org/both"]);
    let batch = company.authority.issue_client("anything", &["spiffe://example.org/batch"]);
    assert_eq!(company.psql("both", Some(&both), &token).await, Ok("9".to_owned()));
    company.psql("both", Some(&both), "csa_wrong").await.unwrap_err();
    company.psql("both", Some(&batch), &token).await.unwrap_err();
    company.psql("both", Some(&both), &company.site.token).await.unwrap_err();
    let alone = company.psql("both", None, &token).await.unwrap_err();
    assert!(alone.contains("a client certificate is needed"), "{alone}");
}

#[tokio::test]
async fn people_see_by_which_certificate_an_agent_came() {
    let company = Company::new(false).await;
    let shown = company.authority.issue_client("anything", &["spiffe://example.org/batch"]);
    let asking = company.run(("loader", ""), Some(&shown), "DELETE FROM orders WHERE id = 1");
    let answering = async {
        let world = &company.site.world;
        let review = world.the_review(State::Pending).await;
        let record = world.store.action(review.action).unwrap().unwrap();
        let links = &record.action.principal().links;
        let said = |link: &&Link| link.name == "certificate spiffe://example.org/batch";
        let link = links.iter().find(said).expect("the certificate stands in the chain");
        assert_eq!((link.kind, link.standing), (LinkKind::Client, Standing::Verified));
        world.vote("ada", &review, Answer::Approve).await.unwrap();
    };
    let (said, ()) = tokio::join!(asking, answering);
    assert_eq!(said, Ok("DELETE 1".to_owned()));
}
