;; Imports of one interface in two versions and of another one, all of the same kind of function.
(component
  (import "test:host/api@0.2.1" (instance $a (export "answer" (func (result u32)))))
  (import "test:host/api@0.2.9" (instance $b (export "answer" (func (result u32)))))
  (import "test:host/other@1.0.0" (instance $c (export "answer" (func (result u32)))))
  (alias export $a "answer" (func $fa))
  (alias export $b "answer" (func $fb))
  (alias export $c "answer" (func $fc))
  (core func $ca (canon lower (func $fa)))
  (core func $cb (canon lower (func $fb)))
  (core func $cc (canon lower (func $fc)))
  (core module $m
    (import "" "a" (func $a (result i32)))
    (import "" "b" (func $b (result i32)))
    (import "" "c" (func $c (result i32)))
    (func (export "sum") (result i32)
      (i32.add (i32.mul (i32.const 100) (call $a)) (i32.add (i32.mul (i32.const 10) (call $b)) (call $c)))))
  (core instance $i (instantiate $m (with "" (instance (export "a" (func $ca)) (export "b" (func $cb)) (export "c" (func $cc))))))
  (func (export "sum") (result u32) (canon lift (core func $i "sum"))))
