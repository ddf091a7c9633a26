//! What would this SQL do? From a statement's text and the catalog of its database to effects.
