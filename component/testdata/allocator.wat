;; A memory whose first page is free to use, and an allocator for the others that never frees.
(module
  (memory (export "memory") 16)
  (global $next (mut i32) (i32.const 65536))
  (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $new i32)
    (local.set $new (i32.and (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
                             (i32.sub (i32.const 0) (local.get $align))))
    (memory.copy (local.get $new) (local.get $old)
      (select (local.get $old-size) (local.get $size) (i32.lt_u (local.get $old-size) (local.get $size))))
    (global.set $next (i32.add (local.get $new) (local.get $size)))
    (local.get $new)))
