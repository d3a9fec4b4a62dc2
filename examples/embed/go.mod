module example.com/embed

go 1.26.0

require github.com/wasihttp/wasihttp v0.0.0

require (
	github.com/tetratelabs/wazero v1.12.0 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.50.0 // indirect
	golang.org/x/text v0.44.0 // indirect
)

replace github.com/wasihttp/wasihttp => ../..
