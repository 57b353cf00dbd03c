// Part of FlashSim for RDataFrame.
#include "FlashSim/flow/ContextRanges.hxx"

#include <TError.h>

#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <utility>

namespace FlashSim {
namespace {

/// As ::Warning, but never a warning of Python's: many scripts ignore those, and none may be made while Python shuts
/// down.
void Warn(const std::string &message)
{
   ::DefaultErrorHandler(kWarning, false, "FlashSim", message.c_str());
}

/// "flow 'jets'"
std::string DescribeModel(const FlowContract &contract)
{
   return contract.GetKindName() + " '" + contract.fName + "'";
}

} // namespace

ContextRanges::ContextRanges(std::shared_ptr<const OpenedModel> model, EOutOfRange outOfRange,
                             std::vector<std::string> contextColumns, EAnnounce announce)
   : fModel(std::move(model)), fOutOfRange(outOfRange), fAnnounce(announce), fContextColumns(std::move(contextColumns))
{
   for (const auto &variable : GetContract().fContext)
      fContext.emplace_back(variable);
}

ContextRanges::~ContextRanges()
{
   Report();
}

float ContextRanges::ReplaceContext(std::size_t variable, float value, const std::string &where,
                                    const std::string &object) const
{
   const auto model = DescribeModel(GetContract());
   const auto &declared = GetContract().fContext[variable];
   std::string what = "in " + where + ", context variable '" + declared.fName + "'";
   if (!object.empty())
      what += " of " + object;
   if (variable < fContextColumns.size())
      what += " (column '" + fContextColumns[variable] + "')";
   what += " is " + FormatNumber(value);
   if (!std::isfinite(value)) {
      throw std::runtime_error("FlashSim: " + what + "; " + model +
                               " needs finite numbers. Filter such events upstream, or redefine the column.");
   }
   what += "; " + model + " takes " + DescribeRange(declared) + "." + GuessCause(declared, value);
   if (fOutOfRange == EOutOfRange::kError) {
      throw std::runtime_error("FlashSim: " + what +
                               " Redefine the column, filter such events upstream, or have such values clipped and "
                               "counted: out_of_range=\"clip\" (in C++ EOutOfRange::kClip).");
   }
   Count("context ", declared, what);
   return fContext[variable].Clip(value);
}

std::vector<float> ContextRanges::CheckContext(std::size_t n, const float *context) const
{
   const auto width = fContext.size();
   std::vector<float> checked(context, context + n * width);
   for (std::size_t i = 0; i < checked.size(); ++i) {
      if (!fContext[i % width].Contain(checked[i]))
         checked[i] = ReplaceContext(i % width, checked[i], "row " + std::to_string(i / width), "");
   }
   return checked;
}

void ContextRanges::Count(const char *kind, const FlowVariable &variable, const std::string &what) const
{
   const auto key = kind + variable.fName;
   fModel->GetClipCounts().Add(key);
   if (fCounts.Add(key) == 1 && fAnnounce == EAnnounce::kAtOnce)
      Warn(what + " It is clipped, and so will be other values of this variable.");
}

void ContextRanges::Report() const noexcept
{
   try {
      std::string list;
      for (const auto &[variable, count] : fCounts.Take())
         list += (list.empty() ? "" : ", ") + variable + " " + std::to_string(count);
      if (!list.empty()) {
         Warn(DescribeModel(GetContract()) + ": values outside of the declared ranges were clipped: " + list + ".");
      }
   } catch (const std::exception &error) {
      std::fprintf(stderr, "FlashSim: clipped values could not be reported: %s\n", error.what());
   }
}

} // namespace FlashSim
