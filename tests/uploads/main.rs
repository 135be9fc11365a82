//! Uploads from end to end, through the real process: what is taken, where it is kept, who may read it, what is left.

#[path = "../harness/mod.rs"]
mod harness;
#[path = "../harness/redis.rs"]
mod redis;
#[path = "../harness/s3.rs"]
mod s3;

mod access;
mod ahead;
mod buckets;
mod connect;
mod crash;
mod documented;
mod full;
mod hostile;
mod lifecycle;
mod pictures;
mod retention;
mod routing;
mod scanning;
mod scene;
mod shelf;
mod tool;
