// Command wasihttp runs and tests HTTP services built as WebAssembly components.
package main

func main() {}
