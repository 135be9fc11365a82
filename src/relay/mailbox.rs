//! A socket's bounded queue of parcels. In: parcels from the relay. Out: the same, in order, to one reader; or the
//! reason why no more come. A full mailbox is ended, never waited for: a slow reader harms nobody else.

// To be written: Mailbox { push(&self, Parcel) } and a receiving half; limits in messages and in (estimated) bytes.
