//! What is promised of fetching: hostile URLs reach nobody, good ones bring the file. The resolver and the connector are
//! the test's own, so that each question and each dial is seen; what would go to this machine really goes there, to a
//! listener that counts.

mod addresses;
mod answers;
mod fetching;
mod hostile;
mod reading;
mod redirects;
mod stage;
