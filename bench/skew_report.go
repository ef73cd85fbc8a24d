// The lines of the skew measure: medians over runs, and ratios of each run to the
// even runs next to it.
package main

func (k *skew) report() {
	var of [7][]float64
	for _, r := range k.evens {
		for i, x := range r.figures() {
			of[i] = append(of[i], x)
		}
	}
	k.addFigures(k.even.what, of, nil, k.evens)
	for _, c := range k.uneven() {
		k.addCompared(c)
	}
}

// figures of a run, as they are compared.
func (r *skewRun) figures() [7]float64 {
	return [7]float64{r.accepted, r.visible, median(r.delays), quantile(r.delays, 0.99),
		quantile(r.waits, 0.99), r.peak, r.cpu}
}

func (k *skew) addCompared(c *skewCase) {
	var of, ratios [7][]float64
	var runs []*skewRun
	for _, s := range k.seen[c.name] {
		runs = append(runs, s.run)
		for i, x := range s.run.figures() {
			sum := 0.0
			for _, e := range s.even {
				sum += e.figures()[i]
			}
			of[i], ratios[i] = append(of[i], x), append(ratios[i], x/sum*float64(len(s.even)))
		}
	}
	k.addFigures(c.what, of, &ratios, runs)
	if c.meet {
		met, busy := k.met(runs)
		k.add("  all properties accepted from for the first time after", millis(met), "", "")
		k.add("  answers 503 until then", count(busy), "", "")
	}
}

func (k *skew) met(runs []*skewRun) (after, busy float64) {
	var times, answers []float64
	for _, r := range runs {
		times, answers = append(times, r.met.Seconds()), append(answers, float64(r.metBusy))
	}
	return median(times), median(answers)
}

// addFigures adds the lines of a case; ratios are to the even case.
func (k *skew) addFigures(what string, of [7][]float64, ratios *[7][]float64, runs []*skewRun) {
	ratio := func(is ...int) string {
		text := ""
		for _, i := range is {
			if ratios == nil {
				return ""
			}
			if text != "" {
				text += ", "
			}
			text += times(median(ratios[i]))
		}
		return text + " of uniform"
	}
	target := ""
	if ratios != nil {
		target = ">= 0.8 x"
	}
	busy := 0
	for _, r := range runs {
		busy += r.busy
	}
	k.add(what+", events/s accepted", count(median(of[0])), ratio(0), target)
	k.add("  until all are in reports, events/s", count(median(of[1])), ratio(1), target)
	k.add("  processor time, with the reports that are asked", micros(median(of[6]))+" an event", ratio(6), "")
	k.add("  another property: acknowledged to seen, p50, p99", millis(median(of[2]))+", "+millis(median(of[3])), ratio(2, 3), "")
	k.add("  answer p99", millis(median(of[4])), ratio(4), "")
	if busy > 0 {
		k.add("  answers 503", count(float64(busy)), "", "")
	}
	k.add("  memory: peak", megabytes(median(of[5])), ratio(5), "")
}
