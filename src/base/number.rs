//! Numbers as JSON spells them: whether two spellings mean the same, exactly, however long they are.

/// A number: its digits times a power of ten. Two that are equal are one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    is_negative: bool,
    /// Without zeros at either end; empty for zero.
    digits: String,
    exponent: i64,
}

/// The largest integer that all JSON implementations tell from its neighbours: 2⁵³ − 1 (RFC 8259, 6).
pub const SAFE_INTEGER_MAX: i64 = (1 << 53) - 1;

/// Digits of an integer that may be a safe one.
const SAFE_DIGITS_MAX: i64 = 16;

impl Number {
    /// Reads a number of JSON (RFC 8259, 6). `None`: it is none, or its exponent is beyond all reason.
    pub fn parse(text: &str) -> Option<Number> {
        let (is_negative, rest) = sign(text);
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        if !is_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }
        let digits = [whole, fraction].concat();
        let kept = digits.trim_end_matches('0');
        let zeros = digits.len() - kept.len();
        let shift = i64::try_from(zeros).ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        let exponent = exponent.checked_add(shift)?;
        let digits = kept.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Number { is_negative: false, digits, exponent: 0 });
        }
        Some(Number { is_negative, digits, exponent })
    }

    /// The number, if it is an integer that every JSON implementation reads as this very one.
    pub fn safe_integer(&self) -> Option<i64> {
        let length = i64::try_from(self.digits.len()).ok()?.checked_add(self.exponent)?;
        if self.exponent < 0 || length > SAFE_DIGITS_MAX {
            return None;
        }
        let digits: i64 = if self.digits.is_empty() { 0 } else { self.digits.parse().ok()? };
        let value = digits * 10_i64.pow(u32::try_from(self.exponent).ok()?);
        (value <= SAFE_INTEGER_MAX).then_some(if self.is_negative { -value } else { value })
    }

    /// Whether it has no fraction.
    pub fn is_integer(&self) -> bool {
        self.exponent >= 0
    }
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn read_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if is_digits(digits) { text.parse().ok() } else { None }
}
