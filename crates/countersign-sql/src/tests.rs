mod bounds;
mod corpus;
mod differential;
mod facts;
mod generate;
mod laws;
pub(crate) mod server;

use crate::{Catalog, Classified, Session, classify};

/// The fixture's database, as `tests/schema.sql` makes it.
pub(crate) fn catalog() -> Catalog {
    Catalog::from_json(include_str!("../tests/catalog.json")).unwrap()
}

/// A session of the role `app` with PostgreSQL's defaults.
pub(crate) fn session() -> Session {
    Session::new("app")
}

/// The effects, one after the other.
pub(crate) fn effects(verdict: &Classified) -> String {
    verdict.effects.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A verdict in the fixture's database.
pub(crate) fn judge(text: &str) -> Classified {
    thread_local! {
        static CATALOG: Catalog = catalog();
    }
    CATALOG.with(|catalog| classify(text, catalog, &session()))
}
