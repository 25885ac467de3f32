//! `pleach apply --jsonl` without the rest of Pleach: one JSON request a line in, one answer a line out.
#![allow(clippy::print_stdout)]

fn main() {
    for line in std::io::stdin().lines().map_while(Result::ok) {
        println!("{}", pleach_edit::answer_line(&line));
    }
}
