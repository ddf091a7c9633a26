//! What does an auditor get? One folder about a period, written from the store, that can be checked without it.

use std::path::PathBuf;

use clap::Args;
use countersign_core::Timestamp;
use countersign_evidence::pack::{LOG, Pack, Wish};
use countersign_evidence::rights::{Agent, Passkey, Person, Rights};
use countersign_evidence::{Framework, Period};
use countersign_export::CONTENT_NAMES;
use countersign_gate::{Clock as _, SystemClock};
use countersign_ledger::note::SigningKey;
use countersign_policy::Bundle;
use countersign_store::{ExportTerms, Store, StoreError, Wanted};

use super::ledger::write_tiles;
use super::{ConfigArgs, Failure};
use crate::kept::log_key;
use crate::out;
use crate::serve::{Base, bundle};
use crate::system::SystemEntropy;

/// What is shown unless `--show` says otherwise: what was asked and decided, and by whom; not what was sent.
const SHOWN: &str = "resource,operation,digest,effects,decision,principal,pending_until,vote,name,reason,groups,why,\
                     result,note,bundle,batch,lines";

/// Entries that are read at once.
const PAGE: u16 = 1000;

#[derive(Debug, Args)]
pub(crate) struct EvidenceArgs {
    /// The beginning: a date like 2026-11-01 or a time like 2026-11-01T08:00:00Z, in UTC.
    #[arg(long, value_name = "TIME")]
    from: String,
    /// The end: a time, or a date whose whole day is included.
    #[arg(long, value_name = "TIME")]
    to: String,
    /// Whose controls the report names: soc2, fedramp-moderate, fedramp-high or gdpr.
    #[arg(long, value_name = "NAME", value_parser = framework)]
    framework: Framework,
    /// A folder that is empty or missing. Default: `evidence-FROM-TO` here.
    #[arg(long, short, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Names of content to show, see docs/LEDGER.md; everything else stays committed to and closed. `none` shows
    /// nothing.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', default_value = SHOWN)]
    show: Vec<String>,
    /// Show the exact bytes of actions in their receipts as well.
    #[arg(long)]
    payloads: bool,
    /// So many of the actions about which nobody was asked get a receipt; the log's root draws them.
    #[arg(long, value_name = "N", default_value_t = 25)]
    sample: usize,
    #[command(flatten)]
    config: ConfigArgs,
}

fn framework(text: &str) -> Result<Framework, String> {
    text.parse().map_err(|error: countersign_evidence::framework::UnknownFramework| error.to_string())
}

pub(super) async fn run(args: EvidenceArgs) -> Result<(), Failure> {
    let period =
        Period::parse(&args.from, &args.to).map_err(|error| Failure { text: error.to_string(), code: 2 })?;
    let config = args.config.read()?;
    let policies = bundle(&config)?;
    let ledger = &config.ledger;
    let key = log_key(&ledger.key, &ledger.origin, &SystemEntropy);
    let key = key.map_err(|error| super::unusable(&ledger.key, &error))?;
    let store = Base::open(&config)?.store;
    if let Some(name) =
        args.show.iter().find(|name| *name != "none" && !CONTENT_NAMES.contains(&name.as_str()))
    {
        let known = CONTENT_NAMES.join(", ");
        let text =
            format!("no content has the name `{name}`\n    help: there are {known}; `none` shows nothing");
        return Err(Failure { text, code: 2 });
    }
    let shown: Vec<String> = args.show.into_iter().filter(|name| name != "none").collect();
    let folder = args.output.unwrap_or_else(|| PathBuf::from(format!("evidence-{}-{}", args.from, args.to)));
    let wish =
        Wish { period, framework: args.framework, shown, payloads: args.payloads, sample: args.sample };
    let now = SystemClock.now();
    Pack::claim(&folder)?;
    // That it was taken away is in the log that it takes along.
    let end = store.sign_all().await?.size;
    let wanted = Wanted { from: Some(period.from), to: Some(period.until), ..Wanted::between(0, end) };
    let terms = ExportTerms {
        format: "evidence".to_owned(),
        target: format!("folder {}", folder.display()),
        shown: wish.shown.join(","),
    };
    store.record_export(terms, wanted, store.count_entries(wanted).await?, now).await?;
    let checkpoint = write_tiles(&store, &folder.join(LOG)).await?;
    let names = wish.shown.iter().any(|name| name == "name");
    let pack = Pack::begin(&folder, wish, &checkpoint.note)?;
    let pack = fill(&store, pack, &key, checkpoint.size).await?;
    let rights = rights(&store, &policies, names, now)?;
    let summary = pack.finish(&rights, &key, now)?;
    out::line(format_args!("{}: {} records", folder.display(), summary.records));
    out::line(format_args!("{}", folder.join("report.html").display()));
    Ok(())
}

/// Records, receipts and policies.
async fn fill(store: &Store, mut pack: Pack, key: &SigningKey, size: u64) -> Result<Pack, Failure> {
    let mut next = 0;
    while next < size {
        let entries = store.ledger_entries(next, PAGE).await?;
        let Some(last) = entries.last() else { break };
        next = last.index + 1;
        for entry in entries.iter().filter(|entry| entry.index < size) {
            pack.add(entry)?;
        }
    }
    for action in pack.wanted() {
        let id =
            action.parse().map_err(|_cause| Failure::new(format!("`{action}` is not an action's id")))?;
        if let Some(receipt) = store.receipt(id).await? {
            pack.receipt(&receipt, key)?;
        }
    }
    for bundle in pack.bundles() {
        for (place, text) in store.policy_texts(bundle)?.iter().enumerate() {
            pack.policy(bundle, place, text)?;
        }
    }
    Ok(pack)
}

fn rights(store: &Store, policies: &Bundle, names: bool, now: Timestamp) -> Result<Rights, StoreError> {
    use base64::Engine as _;
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let mut people = Vec::new();
    for person in store.people()? {
        let passkeys = store.passkeys_of(person.id)?;
        people.push(Person {
            id: person.id.to_string(),
            name: names.then(|| person.name.clone()),
            groups: person.groups.iter().cloned().collect(),
            passkeys: passkeys
                .iter()
                .map(|passkey| Passkey {
                    id: passkey.id.clone(),
                    enrolled_at: passkey.enrolled_at.to_string(),
                    may_leave_device: passkey.backup_eligible,
                    public_key: base64(&passkey.public_key),
                })
                .collect(),
        });
    }
    let agents = store.agents()?.into_iter().filter(|agent| agent.works(now)).map(|agent| Agent {
        id: agent.id.to_string(),
        name: agent.name,
        owner: agent.owner.id.to_string(),
        teams: agent.teams.into_iter().collect(),
        expires_at: agent.expires_at.to_string(),
    });
    Ok(Rights { people, agents: agents.collect(), policies: policies.ids().map(str::to_owned).collect() })
}
