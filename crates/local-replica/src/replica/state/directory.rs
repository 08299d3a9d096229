//! The state on disk: a database in a directory, brought up to date in one transaction at a time.
//!
//! Whoever gives answers to the outside writes first, so that nothing that was answered can be lost;
//! a process that is killed at any moment leaves the state of its last transaction.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use super::FORMAT_VERSION;
use super::changes::{Changes, Kept};
use super::rows::{Identity, RestoreError, Rows, decode_key, encode};
use crate::replica::Replica;

const FILE_NAME: &str = "state.redb";
const ABOUT: TableDefinition<&str, &[u8]> = TableDefinition::new("about");
const ROWS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("rows");
/// Key in [`ABOUT`]: the version of the format, four bytes, the highest first.
const FORMAT: &str = "format";
/// Key in [`ABOUT`]: the [`Identity`].
const IDENTITY: &str = "identity";

/// Why the state on disk cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("state directory {}: {source}", directory.display())]
    Directory { directory: PathBuf, source: io::Error },
    #[error("state directory {}: another process uses it; stop that one, or name another directory", .0.display())]
    InUse(PathBuf),
    #[error("state directory {}: {source}", directory.display())]
    Database { directory: PathBuf, source: Box<redb::Error> },
    #[error("state directory {}: it could not be written before; start anew", .0.display())]
    HasFailed(PathBuf),
    #[error("state directory {}: {source}", directory.display())]
    State { directory: PathBuf, source: RestoreError },
}

/// A directory that holds the state of one subnet, open in this process alone.
pub(in crate::replica) struct StateDirectory {
    directory: PathBuf,
    database: Database,
    kept: Kept,
    /// After a failure it is not known any more what is written.
    has_failed: bool,
}

impl StateDirectory {
    /// Opens the directory, or makes it. The rows are absent when nothing was ever written to it.
    fn open(directory: &Path, identity: Identity) -> Result<(Self, Option<Rows>), StateError> {
        fs::create_dir_all(directory)
            .map_err(|source| StateError::Directory { directory: directory.to_owned(), source })?;
        let database = Database::builder()
            .set_check_integrity_on_open(true)
            .create(directory.join(FILE_NAME))
            .map_err(|error| match error {
                redb::DatabaseError::DatabaseAlreadyOpen => StateError::InUse(directory.to_owned()),
                error => database_error(directory, error),
            })?;
        let rows = read(directory, &database, identity)?;
        let kept = rows.as_ref().map(Kept::of).unwrap_or_default();
        Ok((Self { directory: directory.to_owned(), database, kept, has_failed: false }, rows))
    }

    /// To be told when another state takes the place of the one that was written.
    pub fn state_was_replaced(&mut self) {
        self.kept.state_was_replaced();
    }

    fn write(&mut self, replica: &mut Replica) -> Result<(), StateError> {
        if self.has_failed {
            return Err(StateError::HasFailed(self.directory.clone()));
        }
        let changes = replica.changes_since(&mut self.kept);
        if changes.is_empty() {
            return Ok(());
        }
        self.commit(&changes, replica.identity).map_err(|error| {
            self.has_failed = true;
            database_error(&self.directory, error)
        })
    }

    fn commit(&self, changes: &Changes, identity: Identity) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        {
            let mut about = transaction.open_table(ABOUT)?;
            about.insert(FORMAT, FORMAT_VERSION.to_be_bytes().as_slice())?;
            about.insert(IDENTITY, encode(&identity).as_slice())?;
            let mut rows = transaction.open_table(ROWS)?;
            for (key, value) in changes.rows() {
                let key = encode(key);
                match value {
                    Some(value) => rows.insert(key.as_slice(), value.as_slice())?,
                    None => rows.remove(key.as_slice())?,
                };
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

fn database_error(directory: &Path, error: impl Into<redb::Error>) -> StateError {
    StateError::Database { directory: directory.to_owned(), source: Box::new(error.into()) }
}

fn read(directory: &Path, database: &Database, identity: Identity) -> Result<Option<Rows>, StateError> {
    let failed = |source| StateError::State { directory: directory.to_owned(), source };
    let Some(content) = Content::read(database).map_err(|error| database_error(directory, error))? else {
        return Ok(None);
    };
    let format = <[u8; 4]>::try_from(content.format.as_slice())
        .map_err(|_| failed(RestoreError::Damaged("its format is no number".to_owned())))?;
    let found = u32::from_be_bytes(format);
    if found != FORMAT_VERSION {
        return Err(failed(RestoreError::Format { found }));
    }
    let found = postcard::from_bytes(&content.identity)
        .map_err(|error| failed(RestoreError::Damaged(error.to_string())))?;
    identity.check(found).map_err(failed)?;
    let rows = content.rows.into_iter().map(|(key, value)| Ok((decode_key(&key)?, value)));
    rows.collect::<Result<Rows, RestoreError>>().map(Some).map_err(failed)
}

/// What the database holds, not yet understood.
struct Content {
    format: Vec<u8>,
    identity: Vec<u8>,
    rows: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Content {
    /// Absent before the first transaction.
    fn read(database: &Database) -> Result<Option<Self>, redb::Error> {
        let transaction = database.begin_read()?;
        let about = match transaction.open_table(ABOUT) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            about => about?,
        };
        let entry =
            |key| about.get(key).map(|value| value.map_or(Vec::new(), |value| value.value().to_vec()));
        let (format, identity) = (entry(FORMAT)?, entry(IDENTITY)?);
        let mut rows = Vec::new();
        for row in transaction.open_table(ROWS)?.iter()? {
            let (key, value) = row?;
            rows.push((key.value().to_vec(), value.value().to_vec()));
        }
        Ok(Some(Self { format, identity, rows }))
    }
}

impl Replica {
    /// Opens the directory and goes on with the state in it, if there is one.
    pub(in crate::replica) fn open_state(&mut self, directory: &Path) -> Result<(), StateError> {
        let (opened, rows) = StateDirectory::open(directory, self.identity)?;
        if let Some(rows) = rows {
            self.take_up(&rows)
                .map_err(|source| StateError::State { directory: directory.to_owned(), source })?;
        }
        self.ingress.note_unkept();
        self.directory = Some(opened);
        Ok(())
    }

    /// Whether the state is kept on disk.
    pub fn is_kept(&self) -> bool {
        self.directory.is_some()
    }

    /// Writes the state to its directory, and returns when it is safe; without a directory there is
    /// nothing to do. A server does so before any answer leaves it; whoever steps a replica by himself
    /// says when.
    ///
    /// # Errors
    /// When the directory cannot be written; it holds the state of the last time then.
    pub fn keep(&mut self) -> Result<(), StateError> {
        let Some(mut directory) = self.directory.take() else {
            return Ok(());
        };
        let written = directory.write(self);
        self.directory = Some(directory);
        written
    }
}
