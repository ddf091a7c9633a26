//! What follows from using a relation? Triggers, rules, cascades, policies, views, partitions.

use countersign_core::Verb;

use super::found::{DELETE, INSERT, LOCK, READ, TRUNCATE, UPDATE};
use super::{Walk, definition};
use crate::catalog::{Key, Relation};
use crate::{object, secrets};

const WRITES: u8 = INSERT | UPDATE | DELETE | TRUNCATE;

/// `pg_trigger.tgtype`.
const TRIGGER_INSERT: i32 = 4;
const TRIGGER_DELETE: i32 = 8;
const TRIGGER_UPDATE: i32 = 16;
const TRIGGER_TRUNCATE: i32 = 32;

impl<'c> Walk<'c, '_> {
    /// Everything that `access` to a relation brings with it; with its children unless ONLY was written.
    pub(super) fn touch(&mut self, relation: &'c Relation, access: u8, with_children: bool) {
        self.found.relation(relation, access, self.via_view.as_deref());
        let seen = self.seen.entry(relation.oid).or_default();
        let access = access & !*seen;
        *seen |= access;
        if access == 0 {
            return;
        }
        if relation.is_system() {
            self.touch_system(relation, access);
            return;
        }
        if let Some(server) = &relation.server {
            self.add(Verb::Network, object::named("server", server));
        }
        if relation.is_view() {
            self.touch_view(relation, access);
        }
        self.merge_hidden(relation, access);
        self.triggers(relation, access);
        if access & WRITES != 0 && relation.has_rules {
            self.unknown(object::qualified(&relation.schema, &relation.name));
        }
        if access & (DELETE | TRUNCATE) != 0 {
            self.cascade_delete(relation);
        }
        if with_children {
            self.children(relation, access);
        }
    }

    /// PostgreSQL's own catalogs: some hold secrets, and changing any changes what anybody may do.
    fn touch_system(&mut self, relation: &Relation, access: u8) {
        let object = object::qualified(&relation.schema, &relation.name);
        if secrets::is_secret(&relation.schema, &relation.name) {
            self.add(Verb::Secret, object.as_str());
        }
        if access & WRITES != 0 {
            self.add(Verb::Privilege, object);
        }
    }

    /// A view is what its definition reads; whoever writes to it writes to what stands in its FROM.
    fn touch_view(&mut self, view: &'c Relation, access: u8) {
        let name = object::qualified(&view.schema, &view.name);
        let found = definition::view(self.catalog, view, self.depth);
        self.found.merge(&found, Some(&name));
        let passed = access & (WRITES | LOCK);
        if passed == 0 || view.kind == 'm' {
            return;
        }
        let outer = self.via_view.replace(name);
        for oid in &found.bases {
            if let Some(base) = self.catalog.relation_by_oid(*oid) {
                self.touch(base, passed, true);
            }
        }
        self.via_view = outer;
    }

    fn merge_hidden(&mut self, relation: &'c Relation, access: u8) {
        let reading = definition::reading(self.catalog, relation, self.depth);
        self.found.merge(&reading, None);
        if access & (INSERT | UPDATE) != 0 {
            let writing = definition::writing(self.catalog, relation, self.depth);
            self.found.merge(&writing, None);
        }
    }

    fn triggers(&mut self, relation: &Relation, access: u8) {
        let mut events = 0;
        for (bit, event) in [
            (INSERT, TRIGGER_INSERT),
            (UPDATE, TRIGGER_UPDATE),
            (DELETE, TRIGGER_DELETE),
            (TRUNCATE, TRIGGER_TRUNCATE),
        ] {
            if access & bit != 0 {
                events |= event;
            }
        }
        for (fires_on, function) in &relation.triggers {
            if fires_on & events != 0 {
                self.runs_function(*function);
            }
        }
    }

    /// ON DELETE: rows of other tables go too, or lose their reference.
    fn cascade_delete(&mut self, relation: &'c Relation) {
        for key in &relation.referenced_by {
            let Some(child) = self.catalog.relation_by_oid(key.child) else { continue };
            match key.on_delete {
                'c' => self.touch(child, DELETE, true),
                'n' | 'd' => self.change_child(child, key),
                _ => {}
            }
        }
    }

    /// ON UPDATE: the referenced columns change, and with them the rows that refer to them.
    pub(super) fn cascade_update(&mut self, relation: &'c Relation, columns: &[&str]) {
        for key in &relation.referenced_by {
            let changes = key.references.iter().any(|column| columns.contains(&column.as_str()));
            if changes
                && matches!(key.on_update, 'c' | 'n' | 'd')
                && let Some(child) = self.catalog.relation_by_oid(key.child)
            {
                self.change_child(child, key);
            }
        }
    }

    fn change_child(&mut self, child: &'c Relation, key: &'c Key) {
        let known = self.seen.get(&child.oid).is_some_and(|seen| seen & UPDATE != 0);
        self.touch(child, UPDATE, true);
        if !known {
            let columns: Vec<&str> = key.columns.iter().map(String::as_str).collect();
            self.cascade_update(child, &columns);
        }
    }

    /// TRUNCATE … CASCADE empties whatever refers to the table.
    pub(super) fn cascade_truncate(&mut self, relation: &'c Relation) {
        for key in &relation.referenced_by {
            let Some(child) = self.catalog.relation_by_oid(key.child) else { continue };
            let known = self.seen.get(&child.oid).is_some_and(|seen| seen & TRUNCATE != 0);
            if !known {
                self.touch(child, TRUNCATE, true);
                self.cascade_truncate(child);
            }
        }
    }

    /// Partitions and inheriting tables. A partition has no effect under its own name: the table's name stands for it.
    fn children(&mut self, relation: &'c Relation, access: u8) {
        for oid in &relation.children {
            let Some(child) = self.catalog.relation_by_oid(*oid) else { continue };
            if child.partition {
                self.touch_partition(child, access);
            } else {
                self.touch(child, access, true);
            }
        }
    }

    fn touch_partition(&mut self, partition: &'c Relation, access: u8) {
        if let Some(server) = &partition.server {
            self.add(Verb::Network, object::named("server", server));
        }
        if access & (WRITES | READ) != 0 {
            self.merge_hidden(partition, access);
        }
        // An update may move a row: it is deleted here and inserted there.
        let moved = if access & UPDATE == 0 { 0 } else { INSERT | DELETE };
        self.triggers(partition, access | moved);
        if access & WRITES != 0 && partition.has_rules {
            self.unknown(object::qualified(&partition.schema, &partition.name));
        }
        if access & (DELETE | TRUNCATE) != 0 {
            self.cascade_delete(partition);
        }
        for oid in &partition.children {
            if let Some(child) = self.catalog.relation_by_oid(*oid) {
                self.touch_partition(child, access);
            }
        }
    }
}
