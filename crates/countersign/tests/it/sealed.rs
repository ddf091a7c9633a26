//! Can somebody who has the file and the content key read what is sealed, with nothing of ours? As docs/LEDGER.md tells
//! it: AES-256-GCM twice, and the names of places.

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use countersign_store::Store;
use countersign_testkit::CONTENT_KEY;
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use serde_json::{Map, Value};

/// The exact bytes of an action.
pub(crate) const PAYLOAD: &str = "SELECT opened(a.id, k.wrapped, 'actions.payload', a.payload)
     FROM actions a JOIN keys k ON k.owner = a.id WHERE a.id = ?1";

/// What stands beside the leaf of this index: by name, a salt and a value.
pub(crate) fn beside(db: &Connection, index: i64) -> Map<String, Value> {
    let sql = "SELECT opened(c.owner, k.wrapped, 'contents.' || c.idx, c.body)
               FROM contents c JOIN keys k ON k.owner = c.owner WHERE c.idx = ?1";
    let mut statement = db.prepare_cached(sql).unwrap();
    let bodies = statement.query_map([index], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    bodies.flat_map(|body| serde_json::from_slice::<Map<_, _>>(&body.unwrap()).unwrap()).collect()
}

/// The store's file, with functions `opened` and `sealed` of owner, wrapped key, place and value.
pub(crate) fn file(folder: &Path) -> Connection {
    let db = Connection::open(folder.join(Store::FILE)).unwrap();
    db.create_scalar_function("opened", 4, FunctionFlags::SQLITE_UTF8, |call| {
        let (owner, wrapped, what, body): (String, Vec<u8>, String, Option<Vec<u8>>) =
            (call.get(0)?, call.get(1)?, call.get(2)?, call.get(3)?);
        let Some(body) = body else { return Ok(None) };
        Ok(Some(open(&own_key(&owner, &wrapped), &place(&owner, &what), body)))
    })
    .unwrap();
    db.create_scalar_function("sealed", 4, FunctionFlags::SQLITE_UTF8, |call| {
        let (owner, wrapped, what): (String, Vec<u8>, String) = (call.get(0)?, call.get(1)?, call.get(2)?);
        let mut body = call.get_raw(3).as_bytes().unwrap().to_vec();
        let (key, nonce) = (own_key(&owner, &wrapped), [9; 12]);
        let aad = Aad::from(place(&owner, &what));
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut body).unwrap();
        Ok([nonce.as_slice(), &body].concat())
    })
    .unwrap();
    db
}

fn place(owner: &str, what: &str) -> String {
    format!("countersign/content/v1\0{owner}\0{what}")
}

fn own_key(owner: &str, wrapped: &[u8]) -> LessSafeKey {
    let content_key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &CONTENT_KEY).unwrap());
    let key = open(&content_key, &format!("countersign/content-key/v1\0{owner}"), wrapped.to_vec());
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap())
}

fn open(key: &LessSafeKey, aad: &str, mut sealed: Vec<u8>) -> Vec<u8> {
    let mut body = sealed.split_off(12);
    let nonce = Nonce::try_assume_unique_for_key(&sealed).unwrap();
    key.open_in_place(nonce, Aad::from(aad), &mut body).unwrap().to_vec()
}
