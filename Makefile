# check is exactly what the continuous integration runs.
.PHONY: check
check:
	.ci/run

.PHONY: build
build:
	CGO_ENABLED=0 go build -trimpath -o wasihttp .

.PHONY: test
test:
	go test ./...

.PHONY: install
install:
	CGO_ENABLED=0 go install -trimpath .
