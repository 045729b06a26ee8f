//! A base image as `docker save` writes it. The input has a line for each of its files ([`of_lines`]); a layer is the lines behind a `%`
//! in the place of its content, each after a vertical tab.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sgbuild_fuzz::archive::of_lines;
use sgbuild_fuzz::engine::native::base;

fuzz_target!(|input: &[u8]| base::docker_archive(&of_lines(input)));
