//! How the release binary is linked.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        // Position-independent, the loader would write 90,000 addresses into 1.2 MB of tables, most of them generated AWS
        // code's, before `main`: a millisecond of every command. Stack, heap and libraries stay at random addresses.
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
