//! Against which database do tests run? A real PostgreSQL in a folder that goes away, with its own certificates.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, SanType,
};
use tempfile::TempDir;

/// Password of the superuser `postgres` in every started server.
const PASSWORD: &str = "superuser's own";

/// How a server is started. The default speaks TLS and asks for SCRAM.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether it speaks TLS, with a certificate for `localhost` and `127.0.0.1` that its own authority signed.
    pub tls: bool,
    /// Lines of `pg_hba.conf` in front of those that ask everybody for SCRAM.
    pub hba: Vec<String>,
    /// Lines of `postgresql.conf`.
    pub settings: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { tls: true, hba: Vec::new(), settings: Vec::new() }
    }
}

/// A certificate authority for tests.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    /// A new one that nobody trusts yet.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Its certificate as PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Certificate for these host names or addresses and this common name, and its key, both as PEM.
    pub fn issue(&self, common_name: &str, hosts: &[&str]) -> (String, String) {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.distinguished_name.push(DnType::CommonName, common_name);
        self.sign(&params)
    }

    /// Certificate for a client with this common name and these URIs, and its key, both as PEM.
    pub fn issue_client(&self, common_name: &str, uris: &[&str]) -> (String, String) {
        self.sign(&client(common_name, uris))
    }

    /// The same, which ended long ago.
    pub fn issue_expired_client(&self, common_name: &str, uris: &[&str]) -> (String, String) {
        let mut params = client(common_name, uris);
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        self.sign(&params)
    }

    /// Certificate with this common name which is for servers only, and its key, both as PEM.
    pub fn issue_server(&self, common_name: &str) -> (String, String) {
        let mut params = client(common_name, &[]);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

fn client(common_name: &str, uris: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.subject_alt_names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// A running server. Stopped, and its folder removed, when dropped.
#[derive(Debug)]
pub struct Postgres {
    folder: TempDir,
    binaries: PathBuf,
    port: u16,
    authority: Authority,
    /// Stops the server when its input ends, which it also does when the test process is killed.
    watch: Option<Child>,
}

impl Postgres {
    /// Starts one, and returns when it accepts connections.
    ///
    /// # Panics
    /// When no PostgreSQL is installed, or it does not start.
    pub fn start(options: &Options) -> Self {
        let folder = tempfile::Builder::new().prefix("countersign-postgres-").tempdir().unwrap();
        let server = Self {
            folder,
            binaries: binaries(),
            port: 0,
            authority: Authority::new("authority of the test"),
            watch: None,
        };
        server.own(server.folder.path());
        let server = server.watched();
        server.create();
        server.configure(options);
        server.listen()
    }

    /// Port on 127.0.0.1; also the number in the name of the Unix socket.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Folder of the Unix socket.
    pub fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    /// The authority that signed the server's certificate, and that the server trusts for clients' certificates.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Name, password and all, for any client.
    pub fn superuser_url(&self) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}/postgres", self.superuser_password_encoded(), self.port)
    }

    /// Password of the user `postgres`.
    pub fn superuser_password(&self) -> &'static str {
        PASSWORD
    }

    fn superuser_password_encoded(&self) -> String {
        PASSWORD.replace(' ', "%20").replace('\'', "%27")
    }

    /// Runs SQL as the superuser; gives the rows, one per line, cells separated by `|`.
    ///
    /// # Panics
    /// When a statement fails.
    pub fn sql(&self, text: &str) -> String {
        let mut psql = Command::new(self.binaries.join("psql"));
        psql.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "postgres",
            "-d",
            "postgres",
            "-c",
            text,
        ])
        .arg("-h")
        .arg(self.folder.path())
        .arg("-p")
        .arg(self.port.to_string())
        .env("PGPASSWORD", PASSWORD);
        run(&mut psql)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn create(&self) {
        let password = self.folder.path().join("password");
        self.write(&password, PASSWORD);
        let mut initdb = self.command(&self.binaries.join("initdb"));
        initdb.args(["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "-U", "postgres"]);
        run(initdb.arg("--pwfile").arg(password).arg("-D").arg(self.data()));
    }

    fn configure(&self, options: &Options) {
        let (certificate, key) = self.authority.issue("postgres", &["localhost", "127.0.0.1"]);
        let data = self.data();
        self.write(&data.join("server.crt"), &certificate);
        self.write(&data.join("server.key"), &key);
        self.write(&data.join("root.crt"), self.authority.pem());
        let mut hba = options.hba.clone();
        hba.extend(["local", "hostssl", "hostnossl"].map(|kind| {
            let address = if kind == "local" { "" } else { "127.0.0.0/8" };
            format!("{kind} all all {address} scram-sha-256")
        }));
        self.write(&data.join("pg_hba.conf"), &(hba.join("\n") + "\n"));
        let folder = self.folder.path().display();
        let mut settings = vec![
            format!("listen_addresses = '127.0.0.1'\nunix_socket_directories = '{folder}'\nfsync = off"),
            format!("ssl = {}\nssl_ca_file = 'root.crt'", if options.tls { "on" } else { "off" }),
        ];
        settings.extend(options.settings.iter().cloned());
        self.write(&data.join("postgresql.auto.conf"), &(settings.join("\n") + "\n"));
    }

    /// A port that is free now may be taken a moment later, so this tries more than once.
    fn listen(mut self) -> Self {
        let started = (0..5).any(|_| {
            self.port = free_port();
            self.is_started()
        });
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        assert!(started, "PostgreSQL does not start: {log}");
        self
    }

    fn is_started(&self) -> bool {
        let mut start = self.command(&self.binaries.join("pg_ctl"));
        let log = self.folder.path().join("log");
        start.args(["-w", "-t", "60", "-o"]).arg(format!("-p {}", self.port)).arg("-l").arg(log);
        start.arg("-D").arg(self.data()).arg("start").stdout(Stdio::null()).stderr(Stdio::null());
        start.status().unwrap().success()
    }

    fn watched(mut self) -> Self {
        let mut watch = self.command(Path::new("sh"));
        watch.args(["-c", "cat; \"$0\" -m immediate -w -D \"$1\" stop; rm -rf \"$2\""]);
        watch.arg(self.binaries.join("pg_ctl")).arg(self.data()).arg(self.folder.path());
        // In a group of its own, so that Ctrl-C ends the tests and not what cleans up behind them.
        watch.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        self.watch = Some(watch.spawn().unwrap());
        self
    }

    /// A program as a user that PostgreSQL accepts: it refuses to run as root.
    fn command(&self, program: &Path) -> Command {
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.folder.path());
        command
    }

    /// A file that only the server's user may read, as it demands of its key.
    fn write(&self, path: &Path, text: &str) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        self.own(path);
    }

    fn own(&self, path: &Path) {
        if is_root() {
            let id = |flag| run(Command::new("id").args([flag, "postgres"])).trim().parse().unwrap();
            chown(path, Some(id("-u")), Some(id("-g"))).unwrap();
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut watch) = self.watch.take() {
            drop(watch.stdin.take());
            // A panic here, while another one unwinds, would end the whole run.
            drop(watch.wait());
        }
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Debian keeps each version's programs apart; the newest counts. Elsewhere they are on the path.
fn binaries() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let versions = versions.filter_map(|version| {
        let path = version.ok()?.path();
        let number: u32 = path.file_name()?.to_str()?.parse().ok()?;
        path.join("bin/initdb").exists().then(|| (number, path.join("bin")))
    });
    versions.max().map(|(_, path)| path).unwrap_or_default()
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {errors}");
    String::from_utf8(output.stdout).unwrap()
}
