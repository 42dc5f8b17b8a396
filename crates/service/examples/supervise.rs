//! A program that does nothing but supervise, for the tests that run commands.

use std::process::ExitCode;

fn main() -> ExitCode {
    backstay_process::supervise(std::env::args_os().skip(1))
}
