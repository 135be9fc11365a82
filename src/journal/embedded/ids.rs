//! The id map's writes: pairs of ids, both directions, in the transaction of the writer.

use redb::{ReadableTable, WriteTransaction};

use crate::event::IdForm;

use super::super::{JournalError, Namespace, uuid_of};
use super::tables::{self, ALLOCATED, CANONICAL, NATIVE};

/// The native id, made if there is none.
pub fn native(
    transaction: &WriteTransaction,
    namespace: &Namespace,
    canonical: &str,
    form: IdForm,
) -> Result<String, JournalError> {
    let (owner, resource) = (&*namespace.owner, tables::resource(namespace.resource));
    let table = transaction.open_table(NATIVE).map_err(tables::error)?;
    let known = table.get((owner, resource, canonical)).map_err(tables::error)?.map(|native| native.value().to_owned());
    drop(table);
    if let Some(known) = known {
        return Ok(known);
    }
    let native = match form {
        IdForm::Text => canonical.to_owned(),
        IdForm::Uuid => uuid_of(namespace, canonical),
        IdForm::Integer => integer(transaction, namespace, canonical)?,
    };
    bind(transaction, namespace, canonical, &native)?;
    Ok(native)
}

/// The canonical id itself if it is a free integer, else the next free one.
fn integer(transaction: &WriteTransaction, namespace: &Namespace, canonical: &str) -> Result<String, JournalError> {
    let (owner, resource) = (&*namespace.owner, tables::resource(namespace.resource));
    let bound = transaction.open_table(CANONICAL).map_err(tables::error)?;
    let is_free =
        |native: &str| bound.get((owner, resource, native)).map(|found| found.is_none()).map_err(tables::error);
    if canonical.parse::<i64>().is_ok_and(|number| number > 0 && number.to_string() == canonical) && is_free(canonical)?
    {
        return Ok(canonical.to_owned());
    }
    let mut allocated = transaction.open_table(ALLOCATED).map_err(tables::error)?;
    let mut next = allocated.get((owner, resource)).map_err(tables::error)?.map_or(0, |last| last.value());
    loop {
        next += 1;
        let candidate = next.to_string();
        if is_free(&candidate)? {
            allocated.insert((owner, resource), next).map_err(tables::error)?;
            return Ok(candidate);
        }
    }
}

/// Fixes a pair; a native id that means something else already is an error.
pub fn bind(
    transaction: &WriteTransaction,
    namespace: &Namespace,
    canonical: &str,
    native: &str,
) -> Result<(), JournalError> {
    let (owner, resource) = (&*namespace.owner, tables::resource(namespace.resource));
    let mut by_native = transaction.open_table(CANONICAL).map_err(tables::error)?;
    let bound = by_native.get((owner, resource, native)).map_err(tables::error)?.map(|bound| bound.value().to_owned());
    match bound {
        Some(bound) if bound != canonical => return Err(JournalError::Bound { native: native.to_owned(), bound }),
        Some(_) => {}
        None => drop(by_native.insert((owner, resource, native), canonical).map_err(tables::error)?),
    }
    let mut by_canonical = transaction.open_table(NATIVE).map_err(tables::error)?;
    by_canonical.insert((owner, resource, canonical), native).map_err(tables::error)?;
    Ok(())
}
