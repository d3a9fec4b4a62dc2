;; A command that spends its time in one function. Made binary by: wasm-tools parse hot.wat -o hot.wasm
(component
  (core module $m
    (func $hot (param i32) (result i32) (local i32)
      (loop $l
        (local.set 1 (i32.add (i32.mul (local.get 1) (i32.const 31)) (local.get 0)))
        (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get 1))
    (func $cold (result i32) (call $hot (i32.const 1000)))
    (func $work (result i32)
      (drop (call $hot (i32.const 60000000)))
      (drop (call $cold))
      (i32.const 0))
    (func (export "run") (result i32) (call $work)))
  (core instance $i (instantiate $m))
  (type $t (func (result (result))))
  (func $run (type $t) (canon lift (core func $i "run")))
  (instance $x (export "run" (func $run)))
  (export "wasi:cli/run@0.2.12" (instance $x)))
