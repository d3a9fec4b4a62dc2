;; Imports a function of WASI with a type that it never had.
(component
  (import "wasi:random/random@0.2.0" (instance $random
    (export "get-random-u64" (func (param "seed" string) (result u64)))))
  (instance $nothing)
  (export "wasi:http/incoming-handler@0.2.0" (instance $nothing)))
