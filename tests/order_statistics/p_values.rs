//! How likely a statistic is to be as extreme as it is.

fn ln_gamma(mut x: f64) -> f64 {
    let mut shift = 0.0;
    while x < 12.0 {
        shift -= x.ln();
        x += 1.0;
    }
    // Stirling's series.
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    shift + (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series
}

/// The regularized incomplete gamma functions P(a, x) and Q(a, x), by series and continued fraction.
pub(crate) fn incomplete_gamma(a: f64, x: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    let scale = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        while term > sum * 1e-15 {
            n += 1.0;
            term *= x / n;
            sum += term;
        }
        return (sum * scale, 1.0 - sum * scale);
    }
    // Lentz's method.
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1e300, 1.0 / b);
    let mut fraction = d;
    for i in 1..100_000 {
        let factor = -f64::from(i) * (f64::from(i) - a);
        b += 2.0;
        d = 1.0 / (factor * d + b);
        c = b + factor / c;
        fraction *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    (1.0 - scale * fraction, scale * fraction)
}

/// Two-sided: too uneven and too even are both unlikely.
pub(crate) fn p_of_chi_square(statistic: f64, freedom: f64) -> f64 {
    let (below, above) = incomplete_gamma(freedom / 2.0, statistic / 2.0);
    (2.0 * below.min(above)).min(1.0)
}

/// Two-sided, of a standard normal variable.
pub(crate) fn p_of_normal(z: f64) -> f64 {
    incomplete_gamma(0.5, z * z / 2.0).1
}

/// The mean of many independent values of one mean and variance.
pub(crate) fn p_of_sum(values: &[f64], mean: f64, variance: f64) -> f64 {
    let sum: f64 = values.iter().map(|value| value - mean).sum();
    p_of_normal(sum / (variance * values.len() as f64).sqrt())
}

pub(crate) fn p_of_counts(counts: &[u64], chances: impl Fn(usize) -> f64) -> f64 {
    let total = counts.iter().sum::<u64>() as f64;
    let parts = counts.iter().enumerate().map(|(index, count)| {
        let expected = total * chances(index);
        (*count as f64 - expected).powi(2) / expected
    });
    p_of_chi_square(parts.sum(), (counts.len() - 1) as f64)
}

pub(crate) fn p_of_equal_counts(counts: &[u64]) -> f64 {
    p_of_counts(counts, |_| 1.0 / counts.len() as f64)
}

#[test]
fn p_values_are_those_of_the_tables() {
    let close = |p: f64, expected: f64| assert!((p / expected - 1.0).abs() < 1e-3, "{p} is not {expected}");
    close(p_of_normal(1.959_964), 0.05);
    close(p_of_normal(-3.290_527), 0.001);
    // The upper 2.5 % and the lower 2.5 % points.
    close(p_of_chi_square(5.023_886, 1.0), 0.05);
    close(p_of_chi_square(20.483_177, 10.0), 0.05);
    close(p_of_chi_square(3.246_973, 10.0), 0.05);
    close(p_of_chi_square(1_089.531, 1000.0), 0.05);
}
