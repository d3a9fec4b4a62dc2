;; Imports a core module, and instances that nobody has to provide because there is nothing in them.
(component
  (import "test:host/empty@1.0.0" (instance))
  (import "test:host/types@1.0.0" (instance
    (type $n u32)
    (export "t" (type (eq $n)))
    (export "inner" (instance))))
  (import "test:host/code@1.0.0" (instance $code
    (export "doubler" (core module
      (import "env" "add" (func (param i32 i32) (result i32)))
      (export "double" (func (param i32) (result i32)))))))
  (core module $m
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
  (core instance $m (instantiate $m))
  (core instance $doubler (instantiate (module $code "doubler") (with "env" (instance $m))))
  (func (export "double") (param "n" u32) (result u32) (canon lift (core func $doubler "double"))))
