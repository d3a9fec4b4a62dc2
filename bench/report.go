package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// report prints the table and then the same as one line of JSON.
func report(out io.Writer, results []result) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "guest\twhat\twasihttp\twasmtime\tratio\t")
	for _, r := range results {
		wasmtime, ratio := "-", "-"
		if r.Wasmtime > 0 {
			wasmtime, ratio = figure(r.What, r.Wasmtime), fmt.Sprintf("%.2f", r.Ratio)
		}
		switch {
		case r.Ratio == 0:
		case r.Floor > 0:
			ratio += fmt.Sprintf(" (floor %.2f)", r.Floor)
		case r.Ceiling > 0:
			ratio += fmt.Sprintf(" (ceiling %.2f)", r.Ceiling)
		}
		if r.Limit > 0 {
			ratio += fmt.Sprintf(" (at most %.0f)", r.Limit)
		}
		if r.missed() {
			ratio += " missed"
		}
		fmt.Fprintln(table, strings.Join([]string{r.Guest, r.What, figure(r.What, r.Wasihttp),
			wasmtime, ratio, ""}, "\t"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(map[string][]result{"bench": results})
}

func figure(what string, value float64) string {
	switch what {
	case throughput, reusedThroughput, workThroughput, peakMemory, sent, received, download, echo:
		return fmt.Sprintf("%.0f", value)
	}
	return fmt.Sprintf("%.2f", value)
}
