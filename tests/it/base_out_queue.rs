//! What waits to be sent: small pieces copied, large ones as they are, in order.

use std::rc::Rc;

use mcp_proxy::base::buf::Sink;
use mcp_proxy::base::out_queue::OutQueue;
use mcp_proxy::limits::LENT_BYTES_MIN;

/// Takes everything out, `share` bytes at a time.
fn drain(queue: &mut OutQueue, share: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while !queue.is_empty() {
        let length = queue.len();
        let bytes = queue.front()[..queue.front().len().min(share)].to_vec();
        assert!(!bytes.is_empty(), "bytes wait and none are there");
        queue.consume(bytes.len());
        assert_eq!(queue.len(), length - bytes.len());
        all.extend_from_slice(&bytes);
    }
    all
}

fn lump(bytes: usize) -> Rc<Vec<u8>> {
    Rc::new((0..bytes).map(|index| index as u8).collect())
}

#[test]
fn everything_comes_out_in_order_however_it_went_in() {
    for share in [1_000, LENT_BYTES_MIN, usize::MAX] {
        let lump = lump(3 * LENT_BYTES_MIN);
        let mut queue = OutQueue::new();
        let mut expected = Vec::new();
        queue.push(b"head");
        expected.extend_from_slice(b"head");
        queue.lend(Some(Rc::clone(&lump)));
        for range in [5..5 + LENT_BYTES_MIN, 0..7, LENT_BYTES_MIN..lump.len()] {
            queue.push(&lump[range.clone()]);
            queue.push(b"between");
            expected.extend_from_slice(&lump[range]);
            expected.extend_from_slice(b"between");
        }
        queue.lend(None);
        queue.push(b"end");
        expected.extend_from_slice(b"end");
        assert_eq!(queue.len(), expected.len());
        assert!(drain(&mut queue, share) == expected, "share {share}");
    }
}

#[test]
fn a_large_part_of_the_loan_is_not_copied_and_all_else_is() {
    let (lump, other) = (lump(2 * LENT_BYTES_MIN), lump(LENT_BYTES_MIN));
    let mut queue = OutQueue::new();
    queue.lend(Some(Rc::clone(&lump)));
    queue.push(&lump[1..=LENT_BYTES_MIN]);
    assert!(std::ptr::eq(queue.front().as_ptr(), lump[1..].as_ptr()));
    assert_eq!(Rc::strong_count(&lump), 3); // ours, the loan, the piece
    queue.push(&lump[..LENT_BYTES_MIN - 1]);
    queue.push(&other);
    queue.lend(None);
    queue.push(&lump);
    assert_eq!((Rc::strong_count(&lump), Rc::strong_count(&other)), (2, 1));
    queue.consume(LENT_BYTES_MIN);
    assert_eq!(Rc::strong_count(&lump), 1, "what is sent is given back");
}
