;; State of every kind that an instance can have: memory that grows and is used by two modules, globals, a table, passive data, and
;; handles of the embedder and of the component itself.
(component
  (import "test:host/api@0.2.3" (instance $host
    (export "thing" (type $thing (sub resource)))
    (export "make" (func (param "n" u32) (result (own $thing))))))
  (alias export $host "thing" (type $thing))
  (alias export $host "make" (func $make))
  (core func $make' (canon lower (func $make)))
  (core func $drop' (canon resource.drop $thing))
  (type $mine (resource (rep i32)))
  (core func $new' (canon resource.new $mine))
  (core func $rep' (canon resource.rep $mine))

  (core module $a
    (memory (export "memory") 2 40)
    (global $count (export "count") (mut i32) (i32.const 7))
    (global $real (mut f64) (f64.const 1.5))
    (data (i32.const 100) "where it all begins")
    (data (i32.const 70000) "on the second page")
    (data $passive "a passive segment")
    (func (export "poke") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
    (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "size") (result i32) (memory.size))
    (func (export "init") (param i32) (memory.init $passive (local.get 0) (i32.const 0) (i32.const 17)))
    (func (export "bump") (param i32) (result i32)
      (global.set $count (i32.add (global.get $count) (local.get 0)))
      (global.set $real (f64.mul (global.get $real) (f64.const 1.25)))
      (i32.add (global.get $count) (i32.trunc_sat_f64_s (global.get $real))))
    (func (export "spin") (loop $l (br $l)))
    (func (export "trap") unreachable))
  (core instance $a (instantiate $a))

  (core module $b
    (import "a" "memory" (memory 1))
    (import "a" "count" (global $count (mut i32)))
    (import "host" "make" (func $make (param i32) (result i32)))
    (import "host" "drop" (func $drop (param i32)))
    (import "host" "new" (func $new (param i32) (result i32)))
    (import "host" "rep" (func $rep (param i32) (result i32)))
    (type $op (func (param i32) (result i32)))
    (table 4 4 funcref)
    (elem (i32.const 0) $make $mine $size $far)
    (func $mine (param i32) (result i32)
      (local $h i32)
      (local.set $h (call $new (local.get 0)))
      (i32.add (i32.mul (local.get $h) (i32.const 1000)) (call $rep (local.get $h))))
    (func $size (param i32) (result i32) (memory.size))
    (func $far (param i32) (result i32)
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (i32.load8_u (i32.sub (i32.mul (memory.size) (i32.const 65536)) (local.get 0))))
    (func (export "op") (param i32 i32) (result i32) (call_indirect (type $op) (local.get 1) (local.get 0)))
    (func (export "drop") (param i32) (call $drop (local.get 0))))
  (core instance $b (instantiate $b
    (with "a" (instance $a))
    (with "host" (instance
      (export "make" (func $make')) (export "drop" (func $drop')) (export "new" (func $new')) (export "rep" (func $rep'))))))

  ;; Runs when the component is instantiated, and asks the embedder for something.
  (core module $c
    (import "a" "memory" (memory 1))
    (import "host" "make" (func $make (param i32) (result i32)))
    (func $start
      (i32.store (i32.const 200) (call $make (i32.const 5)))
      (drop (memory.grow (i32.const 1))))
    (start $start))
  (core instance $c (instantiate $c (with "a" (instance $a)) (with "host" (instance (export "make" (func $make'))))))

  (func (export "poke") (param "at" u32) (param "v" u32) (canon lift (core func $a "poke")))
  (func (export "peek") (param "at" u32) (result u32) (canon lift (core func $a "peek")))
  (func (export "grow") (param "by" u32) (result u32) (canon lift (core func $a "grow")))
  (func (export "size") (result u32) (canon lift (core func $a "size")))
  (func (export "init") (param "at" u32) (canon lift (core func $a "init")))
  (func (export "bump") (param "by" u32) (result u32) (canon lift (core func $a "bump")))
  (func (export "spin") (canon lift (core func $a "spin")))
  (func (export "trap") (canon lift (core func $a "trap")))
  (func (export "op") (param "i" u32) (param "n" u32) (result u32) (canon lift (core func $b "op")))
  (func (export "drop") (param "i" u32) (canon lift (core func $b "drop"))))
