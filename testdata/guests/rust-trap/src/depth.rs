//! The lines that a test looks for are marked.

use std::hint::black_box;

#[inline(never)]
pub fn first(n: u32) {
    second(black_box(n) - 1); // line: first
    black_box(());
}

#[inline(never)]
fn second(n: u32) {
    third(black_box(n) - 1); // line: second
    black_box(());
}

#[inline(never)]
fn third(n: u32) {
    if inlined(black_box(n)) {
        core::arch::wasm32::unreachable(); // line: third
    }
}

/// Part of its caller's code: a backtrace that knows of inlining has it as a frame of its own.
#[inline(always)]
fn inlined(n: u32) -> bool {
    black_box(n) > 0
}
