;; A result and parameters lie in memory that was not there before the call.
(component
  (core module $libc
    (memory (export "mem") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (i32.mul (memory.grow (i32.const 1)) (i32.const 65536)))
    (func (export "late") (param $at i32) (param $n i32) (result i32)
      (local $p i32)
      (local.set $p (i32.mul (memory.grow (i32.const 1)) (i32.const 65536)))
      (i32.store (local.get $p) (local.get $at))
      (i32.store offset=4 (local.get $p) (local.get $n))
      (local.get $p)))
  (core instance $libc (instantiate $libc))
  (func (export "late") (param "text" string) (result string) (canon lift (core func $libc "late")
    (memory (core memory $libc "mem")) (realloc (core func $libc "realloc")))))
