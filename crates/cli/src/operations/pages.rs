//! Lists that a canister tells page by page, each page one node's word.

use crate::failure::{Failure, Outcome};

/// More than any group has.
const MOST_ITEMS: usize = 100_000;

/// The whole list of `what`, of which `page` fetches what begins at an index.
///
/// # Errors
/// When a page cannot be fetched, or there are so many that somebody must be lying.
pub async fn collect<T>(what: &str, page: impl AsyncFn(u64) -> Outcome<Vec<T>>) -> Outcome<Vec<T>> {
    let mut items = Vec::new();
    while items.len() < MOST_ITEMS {
        let next = page(items.len() as u64).await?;
        if next.is_empty() {
            return Ok(items);
        }
        items.extend(next);
    }
    Err(Failure::usage(format!(
        "the network lists more than {MOST_ITEMS} {what}: cannot tell which are true"
    ))
    .hint("one node that lies can do that: run the command again, or ask another --network URL"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn should_collect_pages_until_one_is_empty() {
        let all: Vec<u64> = (0..250).collect();
        let page = async |start: u64| Ok(all.iter().copied().skip(start as usize).take(100).collect());
        assert_eq!(collect("numbers", page).await.as_ref(), Ok(&all));
    }

    #[tokio::test]
    async fn should_not_tell_when_a_list_has_no_end() {
        let failure = collect("receipts", async |_| Ok(vec![7; 100])).await.expect_err("no end");
        assert_eq!(failure.kind, crate::failure::FailureKind::Usage, "cannot tell");
    }
}
