// Package load puts fixtures under load: virtual users play them again and again, what their
// requests take is counted, and two builds that are measured in turns are compared.
package load
