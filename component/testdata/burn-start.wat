;; A start function that never ends.
(component
  (import "test:host/api@0.2.4" (instance $host (export "begun" (func))))
  (core func $begun (canon lower (func $host "begun")))
  (core module $m
    (import "" "begun" (func $begun))
    (func $start (call $begun) (loop $l (br $l)))
    (start $start))
  (core instance (instantiate $m (with "" (instance (export "begun" (func $begun)))))))
